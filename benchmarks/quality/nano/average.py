"""The weighted mean of models of one shape, as a directory in bfloat16 (`--float32`: to train on).

    python3 average.py --output mean 0.45=before 0.55=after
"""

import argparse
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="SHARE=DIR")
    parser.add_argument("--output", type=Path, required=True, help="a directory that does not exist; its other files are the first model's")
    parser.add_argument("--float32", action="store_true")
    options = parser.parse_args()
    mean = {}
    for model in options.models:
        share, folder = model.split("=", 1)
        for name, tensor in load_file(Path(folder) / "model.safetensors").items():
            mean[name] = mean.get(name, 0) + float(share) * tensor.float()
    shutil.copytree(options.models[0].split("=", 1)[1], options.output)
    kind = torch.float32 if options.float32 else torch.bfloat16
    save_file({name: tensor.to(kind).contiguous() for name, tensor in mean.items()}, options.output / "model.safetensors", metadata={"format": "pt"})


if __name__ == "__main__":
    main()
