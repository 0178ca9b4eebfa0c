"""Makes Python clients of a running server's /openapi.json by `openapi-python-client` and by `openapi-generator`, unchanged, holds each against the
operations that are described, and uses both for a chat and a job.

    pip install openapi-python-client openapi-generator-cli httpx attrs urllib3 pydantic python-dateutil typing-extensions    # and Java
    cord serve --data FOLDER & python generated.py [http://127.0.0.1:8080]

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
import urllib.request
from pathlib import Path

base_url = (sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080").removesuffix("/v1")
sound = Path(__file__).resolve().parents[1] / "Fixtures/spoken/sum.wav"
tools = Path(sys.executable).parent


def check(what, holds, found=None):
    print("ok" if holds else "FAILED", what)
    if not holds:
        sys.exit(f"{what}: found {found!r}")


def snake(name):
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


document = urllib.request.urlopen(base_url + "/openapi.json").read()
operations = {snake(operation["operationId"]) for item in json.loads(document)["paths"].values() for operation in item.values()}
holder = tempfile.TemporaryDirectory(prefix="cord-generated-")
folder = Path(holder.name)
(folder / "openapi.json").write_bytes(document)
sys.path.insert(0, str(folder))
pair = {"id": "sum", "audio": {"data": base64.b64encode(sound.read_bytes()).decode()}, "text": "What is the sum of 7, 9 and 8?", "answer": "24"}
rows = "\n".join(json.dumps(pair | {"id": f"sum-{number}"}) for number in range(2)).encode()
chat = {"model": "cord-nano", "messages": [{"role": "user", "content": [
    {"type": "input_audio", "input_audio": {"data": pair["audio"]["data"], "format": "wav"}}]}], "max_tokens": 32}
job = {"model": "cord-nano", "method": {"type": "cord", "cord": {"hyperparameters": {"steps": 1, "batch_size": 2}}}}

# openapi-python-client
made = subprocess.run([tools / "openapi-python-client", "generate", "--path", folder / "openapi.json", "--output-path", folder / "plain_client",
                       "--meta", "none"], capture_output=True, text=True)
check("openapi-python-client runs", made.returncode == 0, made.stderr)
modules = {path.stem: path for path in (folder / "plain_client/api").glob("*/*.py")}
check("it makes every operation", operations <= modules.keys(), operations - modules.keys())


def module(name):
    path = modules[name]
    return importlib.import_module(f"plain_client.api.{path.parent.name}.{name}")


plain = importlib.import_module("plain_client")
models = importlib.import_module("plain_client.models")
client = plain.Client(base_url=base_url, timeout=120)
answer = module("create_chat_completion").sync(client=client, body=models.ChatCompletionRequest.from_dict(chat))
check("a spoken chat", isinstance(answer, models.ChatCompletion) and answer.choices[0].message.content, answer)
types = importlib.import_module("plain_client.types")
form = models.UploadFileBody(file=types.File(payload=io.BytesIO(rows), file_name="pairs.jsonl"), purpose=models.UploadFileBodyPurpose("fine-tune"))
file = module("upload_file").sync(client=client, body=form)
check("an upload", isinstance(file, models.File) and file.bytes_ == len(rows), file)
begun = module("create_job").sync(client=client, body=models.FineTuningRequest.from_dict(job | {"training_file": file.id}))
check("a job", isinstance(begun, models.FineTuningJob), begun)
while (now := module("get_job").sync(begun.id, client=client)).status in ("validating_files", "queued", "running"):
    time.sleep(0.3)
check("it succeeds", now.status == "succeeded" and now.fine_tuned_model, now)
told = module("list_jobs").sync(client=client)
check("it is listed", begun.id in [entry.id for entry in told.data], told)

# openapi-generator
made = subprocess.run([tools / "openapi-generator-cli", "generate", "-g", "python", "-i", folder / "openapi.json", "-o", folder / "generator",
                       "--package-name", "typed_client"], capture_output=True, text=True)
check("openapi-generator runs", made.returncode == 0, made.stderr[-2000:])
sys.path.insert(0, str(folder / "generator"))
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
part = typed.ChatMessageUserContentInputAudio(type="input_audio", input_audio=typed.InputAudio(data=pair["audio"]["data"], format="wav"))
content = typed.ChatMessageUserContent([typed.ChatMessageUserContentAnyOfInner(part)])
asked = typed.ChatCompletionRequest(model="cord-nano", messages=[typed.ChatMessage(typed.ChatMessageUser(role="user", content=content))], max_tokens=32)
answer = api("create_chat_completion")(asked)
check("a spoken chat", answer.choices[0].message.content and answer.usage.total_tokens > 0, answer)
file = api("upload_file")(file=("pairs.jsonl", rows), purpose="fine-tune")
check("an upload", file.bytes == len(rows), file)
begun = api("create_job")(typed.FineTuningRequest.from_dict(job | {"training_file": file.id}))
while (now := api("get_job")(begun.id)).status in ("validating_files", "queued", "running"):
    time.sleep(0.3)
check("a job succeeds", now.status == "succeeded" and now.fine_tuned_model, now)
check("it is listed", begun.id in [entry.id for entry in api("list_jobs")().data], begun.id)
print("every expectation holds")
