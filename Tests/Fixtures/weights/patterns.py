"""Which names patterns match in Python, and which modules, ranks and scales a configuration gives in peft: patterns.json.

    python patterns.py       needs what make.py needs
"""

import json
import re
import warnings
from pathlib import Path
from types import SimpleNamespace

import peft
from peft.tuners.tuners_utils import _ExcludedModule, check_target_module_exists
from peft.utils.other import get_pattern_key

from make import MODELS, qwen2audio

HERE = Path(__file__).resolve().parent
warnings.simplefilter("ignore")

NAMES = ["layers.0.q_proj", "layers.10.q_proj", "model.layers.1.mlp.up_proj", "lm_head", "a[b", "q-proj_1", "Q_PROJ", "a{,2}", "aa", "x\ty"]
PATTERNS = [
    r".*q_proj", r".*\.(q|k)_proj", r"layers\.\d+\.q_proj", r"^layers.*$", r"(?i)q_proj", r"(?i:.*)Q_proj", r"(?!.*lm_head).*",
    r"(?P<n>l).*(?P=n)?.*", r"(a)\1", r"(?:a|ab)[[]b", r"[]a]+", r"[^]]*", r"[[]", r"a{,2}", r"a{2}", r"a{1,2}", r"a{,}", r"a{", r".*\Z", r"\Aaa",
    r"\w+", r"[\w.]+", r"[\w-]+", r"\x61\x61", r"a\u0061", r"\141a", r"a\0*a", r"(?>a+)a", r"a++a", r"(?#comment)aa", r"(?s:.)a",
    r"(?x) a  a ", r"lm\_head", r".*\Bproj", r".*\bproj", r"x\ty", r"x[\t]y", r"x\sy", r".*(?<=q)_proj", r".*(?<!q)_proj", r"(l)?(?(1)m|a).*",
    r"model\.layers\.(?:[0-9]|1[0-9])\..*", r"aa|lm", r"lm|lm_head", "", r".", r"(?a)\w+", r"(?u)\w+", r"(?-i:aa)", r"[a-c]+", r"[\d_a-z.]+",
    # Python refuses these.
    r"(unclosed", r"[a", r"*a", r"(*LIMIT_MATCH=9999)a", r"\Qa\E", r"\h", r"\R", r"\Ka", r"(?R)", r"(?<n>a)", r"a(?i)a", r"\1", r"a**", "a\\",
    r"(?|a)", r"(?C1)a", r"\g{1}", r"\p{L}+", r"(?L)a", r"\x6", r"[\A]", r"(?P>n)a", r"\N{x", r"(?&n)",
]


def outcome(match, pattern, name):
    try:
        return bool(match(pattern, name))
    except (re.error, ValueError):
        return None


SELECTIONS = [
    dict(target_modules=["q_proj", "fc1"]), dict(target_modules=[".q_proj"]), dict(target_modules=["proj"]),
    dict(target_modules=["self_attn.q_proj", "lm_head"], exclude_modules=["lm_head"]),
    dict(target_modules=r".*\.(q|v)_proj", exclude_modules=r".*audio_tower.*"),
    dict(target_modules=["q_proj"], exclude_modules=["model.audio_tower.layers.0.self_attn.q_proj"]),
    dict(target_modules=["q_proj", "v_proj"], layers_to_transform=[1]), dict(target_modules=["q_proj"], layers_to_transform=0),
    dict(target_modules=["q_proj"], layers_to_transform=[0, 1], layers_pattern="layers"),
    dict(target_modules=["q_proj", "fc1"], layers_to_transform=[1], layers_pattern=["blocks", "layers"]),
    dict(target_modules=["q_proj"], layers_to_transform=[1], layers_pattern="blocks"),
    dict(target_modules=["q_proj"], layers_to_transform=[1], layers_pattern="language_model.layers"),
    dict(target_modules=["q_proj"], layers_to_transform=[0], layers_pattern=r"(audio_tower|language_model)\.layers"),
    dict(target_modules=["q_proj"], layers_to_transform=[], layers_pattern="blocks"),
    dict(target_modules=["q_proj"], layers_to_transform=[0], layers_pattern=[]),
    dict(target_modules=["model.language_model.layers.1.self_attn.q_proj"], layers_to_transform=[0]),
    dict(target_modules=["up_proj", "linear", "o_proj"], modules_to_save=["multi_modal_projector", "mlp"]),
    dict(target_modules=["up_proj", "fc1"], modules_to_save=["lp", r"layers\.0"]),
    dict(target_modules=["q_proj", "k_proj", "fc1"], r=8, lora_alpha=3, rank_pattern={"q_proj": 2, "layers.0.self_attn.k_proj": 5},
         alpha_pattern={"k_proj": 7, "^model.*q_proj": 9}),
    dict(target_modules=["q_proj", "k_proj", "fc1"], r=8, lora_alpha=3, rank_pattern={r".*\.1\..*": 2, "q_proj": 3},
         alpha_pattern={r"audio_tower\.layers\.\d+\.fc1": 0.5, "proj": 7, "c1": 8, "(q|k)_proj": -1}),
    dict(target_modules=["q_proj"], r=2, lora_alpha=3, rank_pattern={"a)|(model": 4}, alpha_pattern={"(?!model).*": 4}),
]


def selection(settings, modules):
    config = dict(peft_type="LORA", r=8, lora_alpha=8) | settings
    attributes = SimpleNamespace(**(dict(
        exclude_modules=None, modules_to_save=None, layers_to_transform=None, layers_pattern=None, target_parameters=None) | config))
    found = {}
    for name in modules:
        match = check_target_module_exists(attributes, name)
        if match and not isinstance(match, _ExcludedModule):
            ranks, alphas = config.get("rank_pattern", {}), config.get("alpha_pattern", {})
            rank = ranks.get(get_pattern_key(ranks.keys(), name), config["r"])
            found[name] = [rank, alphas.get(get_pattern_key(alphas.keys(), name), config["lora_alpha"]) / rank]
    return dict(config=config, selected=found)


if __name__ == "__main__":
    import torch

    model = qwen2audio.Reference(MODELS / "published").model
    modules = [name for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)]
    (HERE / "patterns.json").write_text(json.dumps(dict(
        generator=f"peft {peft.__version__}", names=NAMES,
        patterns=[dict(pattern=p, whole=[outcome(re.fullmatch, p, n) for n in NAMES], start=[outcome(re.match, p, n) for n in NAMES])
                  for p in PATTERNS],
        modules=modules, selections=[selection(s, modules) for s in SELECTIONS]), indent=None, separators=(",", ":")) .replace('},{"', '},\n{"') + "\n")
