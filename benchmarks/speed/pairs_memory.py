#!/usr/bin/env python3
"""What tens of thousands of pairs cost before the first step and in memory: `cord train`, and fine-tuning jobs over HTTP.

    benchmarks/quality/many_pairs.py --cord cord --output some --sample 400
    benchmarks/speed/pairs_memory.py --cord cord --pairs some --output measured
    benchmarks/speed/pairs_memory.py --cord cord --pairs some --output measured --only warm      # again, with what was remembered

The few spoken pairs are linked under as many names as there shall be rows, each row with an id of its own: how the clips sound says nothing about
memory and start-up, and every file is looked at by itself. Measured are the seconds to the first step with nothing remembered and with what the
run before remembered, and the resident memory (of the process alone, not of the pages that the system caches) when the pairs are there, and after
steps. Over HTTP twice: rows that name clips by path, and one upload with its clips inside. A server's jobs begin with what `cord train` has remembered, where that
was measured before. At last both sizes stand beside each other. Python's standard library is all it needs.
"""

import argparse
import base64
import http.client
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
from serving import Server


def resident(pid):
    """MiB that a process keeps for itself: anonymous memory, as files that it maps are the system's cache."""
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("RssAnon"):
            return int(line.split()[1]) / 1024
    return 0.0


class Watched(threading.Thread):
    """The most memory of a process since it was looked at."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.most = pid, 0.0
        self.start()

    def run(self):
        try:
            while True:
                self.most = max(self.most, resident(self.pid))
                time.sleep(0.1)
        except OSError:
            pass


def laid(arguments, rows):
    """A folder with so many rows, of linked clips."""
    folder = Path(arguments.output) / f"rows-{rows}"
    if (folder / "manifest.jsonl").exists():
        return folder
    source = Path(arguments.pairs)
    pairs = [json.loads(line) for line in open(source / "manifest.jsonl", encoding="utf-8")]
    lines = []
    for number in range(rows):
        pair = pairs[number % len(pairs)]
        clip = f"{number // 1000:03}/{number:06}{Path(pair['audio']).suffix}"
        (folder / clip).parent.mkdir(parents=True, exist_ok=True)
        os.link(source / pair["audio"], folder / clip)
        lines.append(json.dumps({"id": f"r{number}", "audio": clip, "text": pair["text"], "answer": pair["answer"]}))
    (folder / "manifest.jsonl").write_text("\n".join(lines) + "\n")
    return folder


SAID = {}


def say(name, **figures):
    SAID[name] = figures
    print(json.dumps({"measured": name, **{key: round(value, 2) for key, value in figures.items()}}), flush=True)


def compared(name, other, rows):
    """What more rows cost."""
    few, many = SAID[name], SAID[other]
    for figure in ("seconds_to_pairs", "seconds_to_step", "mib_with_pairs", "mib_before_last", "mib_most"):
        if figure in few and figure in many:
            more = many[figure] - few[figure]
            each = f", {more * 2**20 / rows:.0f} bytes a row" if figure.startswith("mib") else ""
            print(f"# {figure}: {few[figure]:.1f} with few rows, {many[figure]:.1f} with {rows} more ({more:+.1f}{each})", flush=True)


def trained(arguments, name, folder, cache):
    """One `cord train` of some steps."""
    output = Path(arguments.output) / "run"
    shutil.rmtree(output, ignore_errors=True)
    start = time.monotonic()
    process = subprocess.Popen(
        [arguments.cord, "train", str(folder), "--output", str(output), "--steps", str(arguments.steps), "--batch-size", "8", "--max-rollout-tokens", "32",
         "--checkpoint-every", str(arguments.steps), "--cache", str(cache), "--max-skipped", str(arguments.max_skipped)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    watched, figures, tail = Watched(process.pid), {}, []
    for line in process.stderr:
        tail = [*tail[-8:], line]
        if " trained parameters" in line:
            figures |= {"seconds_to_pairs": time.monotonic() - start, "mib_with_pairs": resident(process.pid)}
        elif line.startswith("step "):
            step = int(line.split()[1].split("/")[0])
            if step == 1:
                figures |= {"seconds_to_step": time.monotonic() - start, "mib_after_1": resident(process.pid)}
            if step == arguments.steps - 1:
                figures["mib_before_last"] = resident(process.pid)
    if process.wait() != 0:
        raise SystemExit("".join(tail))
    say(name, **figures, mib_most=watched.most)


def job(arguments, server, name, file):
    """One fine-tuning job of some steps."""
    start, watched = time.monotonic(), Watched(server.pid)
    method = {"type": "cord", "cord": {"hyperparameters": {"steps": arguments.steps, "batch_size": 8, "objective": {"max_rollout_tokens": 32}}}}
    wanted = {"model": server.call("GET", "/v1/models")["data"][0]["id"], "training_file": file, "method": method,
              "cord": {"max_skipped": arguments.max_skipped}}
    id = server.call("POST", "/v1/fine_tuning/jobs", wanted)["id"]
    figures = {}
    while True:
        events = server.call("GET", f"/v1/fine_tuning/jobs/{id}/events?limit=5")["data"]
        steps = [event["data"]["step"] for event in events if event["type"] == "metrics"]
        if steps and "seconds_to_step" not in figures:
            figures |= {"seconds_to_step": time.monotonic() - start, "mib_after_1": resident(server.pid)}
        if steps and max(steps) >= arguments.steps - 1 and "mib_before_last" not in figures:
            figures["mib_before_last"] = resident(server.pid)
        state = server.call("GET", f"/v1/fine_tuning/jobs/{id}")
        if state["status"] in ("succeeded", "failed", "cancelled"):
            break
        time.sleep(0.1)
    if state["status"] != "succeeded":
        raise SystemExit(state)
    say(name, **figures, mib_most=watched.most)


def gauges(server):
    """MiB that the server says its caches hold: keys and values of prompts, embeddings of clips."""
    text = server.call("GET", "/metrics", raw=True).decode()
    found = dict(line.split(" ") for line in text.splitlines() if line.startswith(("cord_cache_bytes ", "cord_embedding_cache_bytes ")))
    return {"mib_keys_and_values": float(found["cord_cache_bytes"]) / 2**20, "mib_embeddings": float(found["cord_embedding_cache_bytes"]) / 2**20}


def in_turn(arguments, folder):
    """The same small job again and again: what the server keeps after each, and what its caches say that they hold."""
    data = Path(arguments.output) / "data"
    shutil.rmtree(data, ignore_errors=True)
    options = ["--cache-size", str(arguments.cache_size)] if arguments.cache_size else []
    with Server(arguments.cord, "--audio-folder", arguments.output, *options, data=data) as server:
        say("server, idle", mib=resident(server.pid), **gauges(server))
        id = sent(server, rows_by_path(arguments, folder), f"{folder.name}.jsonl")
        for number in range(1, arguments.jobs + 1):
            job(arguments, server, f"job {number} of {arguments.jobs}", id)
            say(f"after job {number}", mib=resident(server.pid), **gauges(server))


def by_path(arguments, data, few, many, caches):
    """Jobs on rows that name clips by path."""
    known = [file for folder in (few, many) for file in caches[folder].glob("pairs-*.txt")]
    for file in known:
        (data / "cache").mkdir(parents=True, exist_ok=True)
        with open(data / "cache" / file.name, "ab") as all_of_them:
            all_of_them.write(file.read_bytes())
    with Server(arguments.cord, "--audio-folder", arguments.output, data=data) as server:
        say("server, idle", mib=resident(server.pid))
        for name, folder in (("few", few), ("many", many)):
            id = sent(server, rows_by_path(arguments, folder), f"{folder.name}.jsonl")
            if not known:
                job(arguments, server, f"job by path, {name}, nothing remembered", id)
            job(arguments, server, f"job by path, {name}, remembered", id)
            say(f"after the job by path, {name}", mib=resident(server.pid))
    compared("job by path, few, remembered", "job by path, many, remembered", arguments.rows - arguments.few)
    shutil.rmtree(data)


def rows_by_path(arguments, folder):
    """The folder's rows as an upload that names clips below the operator's folder."""
    rows = Path(arguments.output) / f"{folder.name}.jsonl"
    with open(rows, "w") as file:
        for line in open(folder / "manifest.jsonl"):
            row = json.loads(line)
            row["audio"] = {"path": f"{folder.name}/{row['audio']}"}
            file.write(json.dumps(row) + "\n")
    return rows


def sent(server, path, name):
    """Uploads a file as it lies on the disk, piece by piece."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=1800)
    head = ('--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nfine-tune\r\n--b\r\nContent-Disposition: form-data; name="file"; '
            f'filename="{name}"\r\n\r\n').encode()
    end = b"\r\n--b--\r\n"
    connection.putrequest("POST", "/v1/files")
    connection.putheader("Content-Type", "multipart/form-data; boundary=b")
    connection.putheader("Content-Length", str(len(head) + path.stat().st_size + len(end)))
    connection.endheaders()
    connection.send(head)
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            connection.send(piece)
    connection.send(end)
    answer = connection.getresponse()
    content = json.loads(answer.read())
    if answer.status >= 300:
        raise SystemExit(content)
    return content["id"]


def inline(arguments, folder):
    """Rows of the folder with their clips inside, until the file is as large as asked for."""
    place = Path(arguments.output) / "inline.jsonl"
    rows = 0
    with open(place, "w") as file:
        for line in open(folder / "manifest.jsonl"):
            row = json.loads(line)
            row["audio"] = {"data": base64.b64encode((folder / row["audio"]).read_bytes()).decode()}
            file.write(json.dumps(row) + "\n")
            rows += 1
            if file.tell() >= arguments.inline << 20:
                break
    return place, rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cord", required=True, help="the program")
    parser.add_argument("--pairs", required=True, help="a folder of spoken pairs")
    parser.add_argument("--output", required=True)
    parser.add_argument("--rows", type=int, default=80_000)
    parser.add_argument("--few", type=int, default=2000, help="rows to compare with")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--inline", type=int, default=366, help="MiB of an upload with its clips inside")
    parser.add_argument("--max-skipped", type=int, default=1_000_000)
    parser.add_argument("--only", choices=["train", "warm", "http", "upload", "jobs"],
                        help="warm: cord train with what was remembered; upload: the one with clips inside; jobs: one small job after the other, not "
                             "measured otherwise")
    parser.add_argument("--jobs", type=int, default=8)
    parser.add_argument("--cache-size", type=int, help="MiB of keys and values for --only jobs; the server's own choice where not given")
    arguments = parser.parse_args()
    if arguments.only == "jobs":
        return in_turn(arguments, laid(arguments, arguments.few))
    few, many = laid(arguments, arguments.few), laid(arguments, arguments.rows)
    caches = {folder: Path(arguments.output) / "cache" / folder.name for folder in (few, many)}
    if arguments.only not in ("http", "upload"):
        for name, folder in (("train, few", few), ("train, many", many)):
            if arguments.only != "warm":
                shutil.rmtree(caches[folder], ignore_errors=True)
                trained(arguments, f"{name}, nothing remembered", folder, caches[folder])
            trained(arguments, f"{name}, remembered", folder, caches[folder])
        compared("train, few, remembered", "train, many, remembered", arguments.rows - arguments.few)
    if arguments.only in ("train", "warm"):
        return
    data = Path(arguments.output) / "data"
    shutil.rmtree(data, ignore_errors=True)
    if arguments.only != "upload":
        by_path(arguments, data, few, many, caches)
    place, rows = inline(arguments, many)
    place, rows = inline(arguments, many)
    with Server(arguments.cord, data=data) as server:
        before, watched, start = resident(server.pid), Watched(server.pid), time.monotonic()
        id = sent(server, place, place.name)
        say("upload", mib_sent=place.stat().st_size / (1 << 20), rows=rows, seconds=time.monotonic() - start, mib_before=before,
            mib_after=resident(server.pid), mib_most=watched.most)
        job(arguments, server, "job of the upload, nothing remembered", id)
        job(arguments, server, "job of the upload, remembered", id)
        say("after the jobs of the upload", mib=resident(server.pid))
    shutil.rmtree(data)
    place.unlink()


if __name__ == "__main__":
    main()
