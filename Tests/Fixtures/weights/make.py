"""PEFT adapters over ../qwen2audio/published, as Python's peft writes them, and the log-probabilities with each active.

    python make.py [NAMES]               writes the directories, all without names, and their goldens
    python make.py compare DIR ADAPTER   loads DIR with peft and compares it with the goldens of ADAPTER

The directories whose names end in `-4` carry the names that peft writes under transformers 4, where the decoder is
`language_model.model`; under transformers 5 it is `model.language_model`.
"""

import importlib.util
import json
import sys
from pathlib import Path

import peft
import safetensors.torch
import torch

HERE = Path(__file__).resolve().parent
MODELS = HERE.parent / "qwen2audio"
CASES = ["text", "second"]

spec = importlib.util.spec_from_file_location("qwen2audio", MODELS / "make.py")
qwen2audio = importlib.util.module_from_spec(spec)
spec.loader.exec_module(qwen2audio)

ADAPTERS = {
    # Suffixes, which reach the encoder too; ranks and scales by pattern; alpha / sqrt(r).
    "list": dict(
        r=4, lora_alpha=6, target_modules=["q_proj", "v_proj", "out_proj", "down_proj", "fc1"], use_rslora=True,
        rank_pattern={"layers.1.self_attn.q_proj": 2, "fc1": 3}, alpha_pattern={r"language_model\.layers\.0\..*_proj": 9}),
    # A full match of the module path, and a module saved whole.
    "regex": dict(
        r=2, lora_alpha=5, target_modules=r"model\.language_model\.layers\.\d+\.(self_attn|mlp)\.(k|o|gate)_proj",
        modules_to_save=["multi_modal_projector", "language_model.norm"]),
    # A factor of the output head, beside which peft stores the head itself.
    "head": dict(r=2, lora_alpha=3, target_modules=["q_proj", "lm_head"]),
    # Some layers, of lists whose name is given.
    "layers": dict(r=2, lora_alpha=4, target_modules=["q_proj", "fc1"], layers_to_transform=[1], layers_pattern="layers"),
    # Everything linear but the output head.
    "all-linear": dict(r=1, lora_alpha=2, target_modules="all-linear"),
}


def named_by_transformers4(name: str) -> str:
    name = name.replace("base_model.model.model.language_model.", "base_model.model.language_model.model.")
    name = name.replace("base_model.model.lm_head.", "base_model.model.language_model.lm_head.")
    return name.replace("base_model.model.model.", "base_model.model.")


def logprobs(reference, directory: Path, case: dict) -> dict:
    clips = {c: json.loads((MODELS / "published" / "cases.json").read_text())["clips"][c] for c in case["clips"]}
    made = [reference.clip(name, qwen2audio.synthetic_clip(c["samples"], c["seed"])) for name, c in clips.items()]
    reference.case(case["name"], case["text"], made)
    name = case["name"]
    return {k: reference.tensors[f"{name}/{k}"] for k in ["next_logprob", "top_ids", "top_logprobs", "logsumexp"]}


def goldens(directory: Path) -> dict:
    """What `published` computes under the adapter in `directory`, by case."""
    reference = qwen2audio.Reference(MODELS / "published")
    reference.model = peft.PeftModel.from_pretrained(reference.model, directory).eval().base_model.model
    cases = json.loads((MODELS / "published" / "cases.json").read_text())["cases"]
    return {c["name"]: logprobs(reference, directory, c) for c in cases if c["name"] in CASES}


def make(name: str, settings: dict) -> dict:
    model = qwen2audio.Reference(MODELS / "published").model
    model = peft.get_peft_model(model, peft.LoraConfig(**settings))
    random = torch.Generator().manual_seed(len(name))
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if parameter.requires_grad:
                noise = torch.randn(parameter.shape, generator=random)
                parameter.copy_(parameter + 0.1 * noise if "modules_to_save" in key else 0.3 * noise)
    directory = HERE / name
    model.save_pretrained(directory)
    if name == "head":
        # The base's own tensors as a base in bfloat16 has them, which is how it is stored.
        path = directory / "adapter_model.safetensors"
        tensors = safetensors.torch.load_file(path)
        safetensors.torch.save_file(
            {k: v if "lora_" in k else v.bfloat16() for k, v in tensors.items()}, path, metadata={"format": "pt"})
    if name == "regex":
        # The keys of the model's own state dictionary: with the adapter's name, and with the tensors that the saved ones stand for.
        state = HERE / "regex-state"
        state.mkdir(exist_ok=True)
        kept = {k: v.contiguous() for k, v in model.state_dict().items() if any(p in k for p in ["lora_", "modules_to_save", "original_module"])}
        safetensors.torch.save_file(kept, state / "adapter_model.safetensors", metadata={"format": "pt"})
    (directory / "README.md").unlink(missing_ok=True)
    config_path = directory / "adapter_config.json"
    config = json.loads(config_path.read_text())
    config["base_model_name_or_path"] = "published"
    if isinstance(config["target_modules"], list):
        config["target_modules"].sort()  # peft keeps a set, whose order differs from run to run
    config_path.write_text(json.dumps(config, indent=1))
    if name == "regex":
        (HERE / "regex-state" / "adapter_config.json").write_text(json.dumps(config, indent=1))
    if name != "all-linear":
        older = HERE / f"{name}-4"
        older.mkdir(exist_ok=True)
        for pattern in ["rank_pattern", "alpha_pattern"]:
            config[pattern] = {k.replace(r"language_model\.", r"language_model\.model\."): v for k, v in config[pattern].items()}
        if isinstance(config["target_modules"], str):
            config["target_modules"] = config["target_modules"].replace(r"model\.language_model", r"language_model\.model")
        if config["modules_to_save"]:
            config["modules_to_save"] = [m.replace("language_model.norm", "language_model.model.norm") for m in config["modules_to_save"]]
        (older / "adapter_config.json").write_text(json.dumps(config, indent=1))
        tensors = safetensors.torch.load_file(directory / "adapter_model.safetensors")
        safetensors.torch.save_file(
            {named_by_transformers4(k): v for k, v in tensors.items()}, older / "adapter_model.safetensors", metadata={"format": "pt"})
    return {f"{name}/{case}/{k}": v for case, values in goldens(directory).items() for k, v in values.items()}


def compare(directory: Path, name: str):
    expected = safetensors.torch.load_file(HERE / "goldens.safetensors")
    for case, values in goldens(directory).items():
        for key in ["next_logprob", "top_logprobs", "logsumexp"]:
            difference = (values[key] - expected[f"{name}/{case}/{key}"]).abs().max().item()
            print(f"{case}/{key}: largest difference {difference:.2e}")
            assert difference < 1e-5, f"{directory} does not compute what {name} does"


if __name__ == "__main__":
    torch.set_num_threads(2)
    if sys.argv[1:2] == ["compare"]:
        compare(Path(sys.argv[2]), sys.argv[3])
    else:
        names = sys.argv[1:] or list(ADAPTERS)
        old = HERE / "goldens.safetensors"
        tensors = safetensors.torch.load_file(old) if sys.argv[1:] else {}
        for name in names:
            tensors |= make(name, ADAPTERS[name])
        safetensors.torch.save_file({k: v.contiguous() for k, v in tensors.items()}, HERE / "goldens.safetensors")
