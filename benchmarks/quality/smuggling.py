#!/usr/bin/env python3
"""Puts nginx and HAProxy in front of a server and tries to make the two disagree about where a request ends.

    attacker ─┐
              ├─ proxy ═ one connection, kept alive ═ cord
    victims  ─┘

Each attack is a request whose end is ambiguous, with a second one hidden in it: `smuggled`. Behind it come victims, each on a
connection of its own. Every request asks for a model that does not exist, by a name of its own, so every answer says whose it is.
A proxy and a server that disagree would give themselves away:

    a victim that gets another answer than its own, or none
    a smuggled request that the server answers more often than its sender hears
    a smuggled request that the server answers behind one that it has refused with 400

The proxies run as Debian configures them (`nginx`, `haproxy`), and once more told to pass on what they would refuse
(`ignore_invalid_headers off`, `accept-invalid-http-request`), with bodies streamed; `direct` is the server alone. A proxy that is
not installed is left out, which is said. The data folder must be closed to others when the server has begun to use it.

    apt-get install nginx-light haproxy
    smuggling.py                       with .build/release/cord
    smuggling.py --cord PATH --keep
"""

import argparse
import collections
import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
from serving import CORD, Program, Server, free_port

NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; worker_processes 1;
events {{ worker_connections 256; }}
http {{
    access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    upstream cord {{ server 127.0.0.1:{cord}; keepalive 1; }}
    proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
    server {{ listen 127.0.0.1:{plain}; location / {{ proxy_pass http://cord; }} }}
    server {{
        listen 127.0.0.1:{lenient}; ignore_invalid_headers off; underscores_in_headers on;
        location / {{ proxy_pass http://cord; proxy_request_buffering off; proxy_buffering off; }}
    }}
}}
"""

HAPROXY = """
global
    maxconn 256
defaults
    mode http
    timeout client 5s
    timeout server 5s
    timeout connect 5s
    timeout http-request 5s
    option http-keep-alive
    http-reuse always
frontend plain
    bind 127.0.0.1:{plain}
    default_backend cord
frontend lenient
    bind 127.0.0.1:{lenient}
    option accept-invalid-http-request
    default_backend cord
backend cord
    option accept-invalid-http-response
    server cord 127.0.0.1:{cord} pool-max-conn 1
"""


def attacks(smuggled):
    """Names and bytes of ambiguous requests; `smuggled` is the request that hides in each."""
    post = b"POST /v1/tokenize HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    closing = b"0\r\n\r\n" + smuggled
    chunk = b"%x\r\n" % len(smuggled) + smuggled + b"\r\n0\r\n\r\n"

    codings = [b"chunked", b" chunked", b"\tchunked", b"chunked ", b"chunked\t", b"Chunked", b"CHUNKED", b"xchunked", b"chunkedx", b"identity",
               b"chunked, identity", b"identity, chunked", b"chunked,chunked", b"chunked,", b",chunked", b"\x0bchunked", b"chunked\x0b",
               b"\x00chunked", b"chunked\x00", b'"chunked"', b"chunked;q=1", b"gzip, chunked", b"chunked\r\n identity", b"\r\n chunked",
               b"\r\n\tchunked", b"x\nTransfer-Encoding: chunked", b"x\rTransfer-Encoding: chunked", b"chunked\r\nTransfer-Encoding: identity",
               b"identity\r\nTransfer-Encoding: chunked", b"chunked\r\nTransfer-Encoding: chunked", b"", b"\xa0chunked", b"chunked\xa0"]
    names = [b"Transfer-Encoding:", b"transfer-encoding:", b"Transfer-Encoding :", b"Transfer-Encoding\t:", b" Transfer-Encoding:",
             b"\tTransfer-Encoding:", b"Transfer_Encoding:", b"Transfer-Encoding\x00:", b"\x00Transfer-Encoding:", b"Transfer-Encoding\x0b:",
             b"X: x\nTransfer-Encoding:", b"X: x\rTransfer-Encoding:", b"X: x\r\r\nTransfer-Encoding:", b"X:\n Transfer-Encoding:",
             b":\r\nTransfer-Encoding:", b"Transfer\xad-Encoding:"]
    fields = [(b"Transfer-Encoding: " + coding) for coding in codings] + [name + b" chunked" for name in names]
    for field in fields:
        for order in (0, 1):
            def head(length, field=field, order=order):
                lines = [b"Content-Length: %d" % length, field]
                return post + b"\r\n".join(lines if order == 0 else lines[::-1]) + b"\r\n\r\n"
            yield "length, coding in the body's front", head(len(closing)) + closing
            yield "coding, length within a chunk", head(len(b"%x\r\n" % len(smuggled))) + chunk
        yield "coding alone", post + field + b"\r\n\r\n" + closing
        yield "coding of HTTP/1.0", post.replace(b"HTTP/1.1", b"HTTP/1.0") + b"Connection: keep-alive\r\n" + field + b"\r\n\r\n" + closing
        yield "coding of a GET", b"GET /health HTTP/1.1\r\nHost: localhost\r\n" + field + b"\r\n\r\n" + closing

    n = len(smuggled)
    for lengths in [b"Content-Length: 0\r\nContent-Length: %d", b"Content-Length: %d\r\nContent-Length: 0", b"Content-Length: 0, %d",
                    b"Content-Length: %d, 0", b"Content-Length: %d, %d", b"Content-Length : %d", b"Content-Length\t: %d", b" Content-Length: %d",
                    b"Content-Length: +%d", b"Content-Length: -%d", b"Content-Length: 0%d", b"Content-Length: %d ", b"Content-Length: \x0b%d",
                    b"Content-Length: 0x%x", b"Content-Length: %d;", b"Content-Length: %d.0", b"Content-Length:\r\n %d",
                    b"Content-Length: 0\r\n %d", b"X: x\nContent-Length: %d", b"X: x\rContent-Length: %d", b"Content-Length: 0\nContent-Length: %d",
                    b"Content-Length: %d\x00", b"Content-Length\x00: %d", b"Content_Length: %d", b"\x00Content-Length: %d",
                    b"Content-Length: 1844674407370955%d", b"Content-Length: 18446744073709551616\r\nContent-Length: %d",
                    b"Content-Length: \r\nContent-Length: %d", b"Connection: close, Content-Length\r\nContent-Length: %d",
                    b"Connection: Content-Length\r\nContent-Length: %d", b"Content-Length: %d\r\nConnection: keep-alive, Transfer-Encoding"]:
        value = lengths % ((n,) * lengths.replace(b"%x", b"%d").count(b"%d"))
        for line in (b"POST /v1/tokenize", b"GET /health", b"HEAD /health", b"OPTIONS /v1/tokenize", b"DELETE /v1/models"):
            yield "lengths", line + b" HTTP/1.1\r\nHost: localhost\r\n" + value + b"\r\n\r\n" + smuggled
    for expectation in (b"100-continue", b"100-continue, x", b"x", b" 100-Continue"):
        for path in (b"/v1/tokenize", b"/nothing", b"/health"):
            yield "expectation", (b"POST " + path + b" HTTP/1.1\r\nHost: localhost\r\nExpect: " + expectation
                                  + b"\r\nContent-Length: %d\r\n\r\n" % n + smuggled)
    body = post + b"Transfer-Encoding: chunked\r\n\r\n"
    for chunks in [b"5\nhello\r\n0\r\n\r\n", b"5\r\nhello\n0\r\n\r\n", b"5\r\nhello\r\n0\n\n", b"5\r\nhello\r\n0\r\n\n", b"5;x\nhello\r\n0\r\n\r\n",
                   b"5;x=\"\r\nhello\r\n0\r\n\r\n", b"5;\nxx\r\nhello\r\n0\r\n\r\n", b"5;\rxx\r\nhello\r\n0\r\n\r\n", b"5 \r\nhello\r\n0\r\n\r\n",
                   b"5\t;x\r\nhello\r\n0\r\n\r\n", b"0x5\r\nhello\r\n0\r\n\r\n", b"+5\r\nhello\r\n0\r\n\r\n", b"-5\r\nhello\r\n0\r\n\r\n",
                   b" 5\r\nhello\r\n0\r\n\r\n", b"5_0\r\nhello\r\n0\r\n\r\n", b"5\r\nhelloXX0\r\n\r\n", b"5\r\nhello0\r\n\r\n",
                   b"10000000000000005\r\nhello\r\n0\r\n\r\n", b"fffffffffffffffb\r\nhello\r\n0\r\n\r\n", b"100000005\r\nhello\r\n0\r\n\r\n",
                   b"\r\n5\r\nhello\r\n0\r\n\r\n", b"\x005\r\nhello\r\n0\r\n\r\n", b"5\x00\r\nhello\r\n0\r\n\r\n",
                   b"5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n", b"5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
                   b"5\r\nhello\r\n0\r\nX : 1\r\n\r\n", b"5\r\nhello\r\n0\r\nX: 1\r\n folded\r\n\r\n", b"5\r\nhello\r\n0\r\nX: 1\n\r\n",
                   b"5\r\nhello\r\n0\r\nX: 1\n\n", b"5\r\nhello\r\n00000000\r\n\r\n", b"0;\n\n", b"0;x\n\r\n"]:
        yield "chunks", body + chunks + smuggled
        yield "chunks at a path that refuses", body.replace(b"/v1/tokenize", b"/nothing") + chunks + smuggled
    for head in [b"GET /health HTTP/1.1\r\nHost: localhost\n\n", b"GET /health HTTP/1.1\nHost: localhost\n\n",
                 b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: \x00\r\n\r\n", b"GET /health HTTP/1.1\r\nHost: localhost\r\n\n",
                 b"GET /health HTTP/1.1\r\nHost: localhost\r\nHost: x\r\n\r\n", b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: 1\r\n\x00\r\n\r\n",
                 b"GET /health HTTP/1.1\r\nHost: localhost\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
                 b"GET /health HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
                 b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost:80\r\n\r\n", b"GET http://other/health HTTP/1.1\r\nHost: localhost\r\n\r\n",
                 b"GET /health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", b"GET /health\r\n\r\n", b"GET  /health HTTP/1.1\r\nHost: localhost\r\n\r\n",
                 b"GET /health HTTP/1.1 \r\nHost: localhost\r\n\r\n", b"GET /health HTTP/1.2\r\nHost: localhost\r\n\r\n",
                 b"HEAD /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n", b"TRACE / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\r\n\r\n\r\n", b"\n", b"\x00\r\n",
                 b"GET /health HTTP/1.1\r\nHost: localhost\r\n X: 1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]:
        yield "heads", head + smuggled


def exchange(port, message, patience):
    """What comes back to a message until nothing more comes for a while."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.settimeout(patience)
        try:
            connection.sendall(message)
            while data := connection.recv(1 << 16):
                received += data
        except (TimeoutError, ConnectionError):
            pass
    return received


def request(name):
    return b"GET /v1/models/%s HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: %s\r\n\r\n" % (name, name)


def victim(port, name):
    """None, or what was wrong with the answer."""
    message = request(name).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    for _ in range(2):
        received = exchange(port, message, 5)
        # The proxy may have chosen a connection that the server was just closing. It may say so; it may not mix answers up.
        if not re.match(rb"HTTP/1\.1 50[234]", received):
            break
    head, _, body = received.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 404") or b"\r\nx-request-id: " + name not in head.lower():
        return f"{name.decode()} got {received[:200]!r}"
    if b'"%s\\"' % name not in body.replace(b'\\"', b'"', 1) and name not in body:
        return f"{name.decode()} got {body[:200]!r}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cord", default=CORD)
    parser.add_argument("--patience", type=float, default=0.08, help="seconds without bytes after which an attacker hangs up")
    parser.add_argument("--every", type=int, default=1, help="try each nth attack")
    parser.add_argument("--keep", action="store_true", help="keep the folder with configurations and logs")
    arguments = parser.parse_args()

    folder = Path(tempfile.mkdtemp(prefix="smuggling-"))
    folder.chmod(0o755)
    programs = []
    try:
        data = folder / "data"
        cord = Server(arguments.cord, "--log-level", "debug", data=data, log=folder / "cord.log").start()
        programs.append(cord)
        fronts = {"direct": cord.port}
        for name, text, options in [("nginx", NGINX, ["-c", "{config}", "-p", "{folder}"]), ("haproxy", HAPROXY, ["-db", "-f", "{config}"])]:
            program = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
            if program is None:
                print(f"{name}: not installed, left out")
                continue
            config = folder / f"{name}.conf"
            plain, lenient = free_port(), free_port()
            config.write_text(text.format(folder=folder, cord=cord.port, plain=plain, lenient=lenient))
            proxy = Program(name, [program, *(part.format(config=config, folder=folder) for part in options)], folder / name, ready=None)
            programs.append(proxy.start(plain))
            version = subprocess.run([program, "-v"], capture_output=True, text=True)
            print(f"{name}: {(version.stdout + version.stderr).strip().splitlines()[0]}")
            fronts |= {name: plain, f"{name}, lenient": lenient}

        faults = []
        sent = {}
        kinds = collections.Counter()
        answers = {front: collections.Counter() for front in fronts}
        for front, port in fronts.items():
            start = time.monotonic()
            if fault := victim(port, b"before-" + front[:5].encode()):
                raise SystemExit(f"{front} does not pass requests on: {fault}")
            count = len(list(attacks(request(b"x"))))
            for number in range(0, count, arguments.every):
                name = f"smuggled-{list(fronts).index(front)}-{number:04d}".encode()
                kind, message = list(attacks(request(name)))[number]
                received = exchange(port, message, arguments.patience)
                status = re.match(rb"HTTP/1\.[01] (\d+)", received)
                answers[front][status[1].decode() if status else "closed"] += 1
                kinds[kind] += 1
                sent[name] = (front, kind, message, received)
                for turn in range(2):
                    if fault := victim(port, b"victim-" + name[9:] + b"-%d" % turn):
                        faults.append(f"{front}, {kind}: {fault} after {message!r}")
            print(f"{front}: {count // arguments.every} attacks, first answers {dict(sorted(answers[front].items()))}, "
                  f"{time.monotonic() - start:.0f} s", flush=True)

        if cord.process.poll() is not None:
            faults.append(f"cord ended with {cord.process.returncode}")
        wide = [str(path) for path in [data, *data.rglob("*")] if path.stat().st_mode & 0o077]
        if wide:
            faults.append(f"others may read {wide[:5]}")
        served = collections.Counter(re.findall(rb"GET /v1/models/(smuggled-[0-9-]+)", cord.log.read_bytes()))
        heard = 0
        for name, (front, kind, message, received) in sent.items():
            claimed = len(re.findall(rb"x-request-id: " + name, received, re.IGNORECASE))
            heard += claimed
            # A refusal of what the body says has another code, and the next request may follow.
            if front == "direct" and b'"code":"invalid_json"' not in received and received.startswith(b"HTTP/1.1 400") and served[name]:
                faults.append(f"{front}, {kind}: the server read on behind a refusal, {message!r}")
            if served[name] > claimed or served[name] > 1:
                faults.append(f"{front}, {kind}: the server answered a hidden request {served[name]} times, its sender heard {claimed}, after {message!r}")
        print(f"{len(sent)} attacks of {len(kinds)} kinds, {2 * len(sent)} victims; {sum(served.values())} hidden requests were requests "
              f"to both sides, and {heard} answers to them came back to their sender")
        for fault in faults[:20]:
            print("FAULT", fault)
        print(json.dumps({"attacks": len(sent), "victims": 2 * len(sent), "faults": len(faults)}))
        return 1 if faults else 0
    finally:
        for program in reversed(programs):
            program.stop(15)
        if arguments.keep:
            print(f"kept {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
