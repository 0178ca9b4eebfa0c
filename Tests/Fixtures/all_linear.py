"""The modules of each family's `published` checkpoint to which peft gives adapters for target_modules="all-linear": all_linear.json.

    python all_linear.py

peft takes every torch.nn.Linear but the output head. Experts that transformers keeps as stacked parameters, and what chooses them, are none of
these. Modules for sight, which are passed over here, are left out. peft's rule is applied by hand where the reference is our own class, for which
peft refuses the word, and to Qwen3-Omni, where it takes sight's layer "0" for whatever is called so.
"""
import json
from pathlib import Path

import peft
import torch

import families

HERE = Path(__file__).resolve().parent


def reference(family: str):
    module = families.generator(family)
    place = HERE / family / "published"
    return module.Reference(place, module.CHECKPOINTS["published"]) if family == "ultravox" else module.Reference(place)


def linear(family: str, model) -> list[str]:
    if hasattr(model, "save_pretrained") and family != "qwen3_omni_moe":
        found = peft.get_peft_model(model, peft.LoraConfig(target_modules="all-linear")).base_model.targeted_module_names
    else:
        found = [name for name, module in model.named_modules() if isinstance(module, torch.nn.Linear) and not name.endswith("lm_head")]
    return sorted(name for name in found if "visual" not in name)


if __name__ == "__main__":
    names = sorted(path.parent.parent.name for path in HERE.glob("*/published/adapter")) + ["qwen2audio"]
    found = {family: linear(family, reference(family).model) for family in names}
    (HERE / "all_linear.json").write_text(json.dumps(found, indent=1) + "\n")
