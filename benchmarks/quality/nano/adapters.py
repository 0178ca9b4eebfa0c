"""Many LoRA adapters over one frozen cord-nano, trained and sampled side by side.

    x [experiments, tokens, in] → x Wᵀ + b + (alpha / r) (x Aᵀ) Bᵀ        W shared, A [experiments, r, in], B [experiments, out, r]

Every experiment sees the same prompts; answers, adapters and losses are each its own, so the gradient of the sum of losses is the
gradient of each. Names are those that Python's peft gives the same modules.
"""

import json
import math
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

from model import Nano, rotated

RANK, ALPHA = 32, 64


class Adapters(torch.nn.Module):
    """A and B of every linear of the decoder and of the projector, `seeds` experiments at once; B begins as zero."""

    def __init__(self, base: Nano, seeds: list[int]):
        super().__init__()
        self.count, self.names, self.pairs = len(seeds), [], torch.nn.ParameterList()
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        for name, linear in linears(base):
            bound = 1 / math.sqrt(linear.in_features)
            a = torch.stack([(torch.rand(RANK, linear.in_features, generator=g) * 2 - 1) * bound for g in generators])
            self.names.append(name)
            self.pairs.append(torch.nn.Parameter(a))
            self.pairs.append(torch.nn.Parameter(torch.zeros(self.count, linear.out_features, RANK)))
        self.place = {name: 2 * index for index, name in enumerate(self.names)}
        self.copies, self.scale = None, ALPHA / RANK

    def of(self, name, dtype):
        index = self.place[name]
        if self.copies is not None and not torch.is_grad_enabled():
            return self.copies[index], self.copies[index + 1]
        return self.pairs[index].to(dtype), self.pairs[index + 1].to(dtype)

    @torch.no_grad()
    def copy(self, dtype):
        """Copies for sampling, always at the same addresses."""
        if self.copies is None:
            self.copies = [p.detach().to(dtype, copy=True) for p in self.pairs]
        for copy, own in zip(self.copies, self.pairs):
            copy.copy_(own)

    @torch.no_grad()
    def read(self, folder: Path, experiment: int = 0):
        """One adapter from its directory; its scale is then that of all."""
        self.scale = json.loads((folder / "adapter_config.json").read_text())["lora_alpha"] / RANK
        tensors = load_file(folder / "adapter_model.safetensors")
        for name, index in self.place.items():
            for letter, offset in (("A", 0), ("B", 1)):
                self.pairs[index + offset][experiment] = tensors[f"base_model.model.{name}.lora_{letter}.weight"]

    def write(self, folder: Path, experiment: int):
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {f"base_model.model.{name}.lora_{letter}.weight": self.pairs[index + offset][experiment].detach().float().cpu().contiguous()
                   for name, index in self.place.items() for letter, offset in (("A", 0), ("B", 1))}
        save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
        (folder / "adapter_config.json").write_text(json.dumps({
            "peft_type": "LORA", "task_type": None, "base_model_name_or_path": "cord-nano", "r": RANK, "lora_alpha": ALPHA, "use_rslora": False,
            "lora_dropout": 0.0, "bias": "none", "fan_in_fan_out": False, "init_lora_weights": True, "inference_mode": True,
            "target_modules": self.names}, indent=2) + "\n")


def linears(base: Nano):
    """(peft's name, module) of what is trained."""
    yield "model.multi_modal_projector.linear", base.projector
    for number, layer in enumerate(base.decoder.layers):
        for part, block in (("self_attn", layer.self_attn), ("mlp", layer.mlp)):
            for name, module in block.named_children():
                yield f"model.language_model.layers.{number}.{part}.{name}", module


class Prompts:
    """Prompts of a batch, right-padded, and which rows of `features` [rows, encoder's hidden] stand in their slots."""

    def __init__(self, prompts, slots, device, placeholder):
        """`slots`: for each prompt, the range of its clip in the features, or None."""
        self.lengths = torch.tensor([len(p) for p in prompts], device=device)
        width = max(len(p) for p in prompts)
        tokens = torch.zeros(len(prompts), width, dtype=torch.long)
        places, rows = [], []
        for index, (prompt, own) in enumerate(zip(prompts, slots)):
            ids = torch.as_tensor(prompt)
            tokens[index, :len(prompt)] = ids
            if own is not None:
                at = (ids == placeholder).nonzero()[:, 0]
                assert len(at) == len(own), (len(at), len(own))
                places.append(at + index * width)
                rows.append(torch.arange(own.start, own.stop))
        self.tokens = tokens.to(device)
        self.places = torch.cat(places).to(device) if places else None
        self.rows = torch.cat(rows).to(device) if rows else None

    def repeated(self, many: int) -> "Prompts":
        """Each prompt `many` times in turn."""
        if many == 1:
            return self
        result = object.__new__(Prompts)
        width = self.tokens.shape[1]
        result.lengths, result.tokens = self.lengths.repeat_interleave(many), self.tokens.repeat_interleave(many, 0)
        result.places = result.rows = None
        if self.places is not None:
            prompt, column = self.places // width, self.places % width
            result.places = torch.cat([(prompt * many + r) * width + column for r in range(many)])
            result.rows = self.rows.repeat(many)
        return result

    def part(self, begin: int, end: int) -> "Prompts":
        result = object.__new__(Prompts)
        width = self.tokens.shape[1]
        result.lengths, result.tokens = self.lengths[begin:end], self.tokens[begin:end]
        result.places = result.rows = None
        if self.places is not None:
            own = (self.places >= begin * width) & (self.places < end * width)
            result.places, result.rows = self.places[own] - begin * width, self.rows[own]
        return result


class Stack:
    """The frozen base and how it runs with adapters; `adapters` is None for the base alone, then the experiments' number is one."""

    def __init__(self, base: Nano, features, dtype):
        self.base, self.features, self.dtype = base.to(dtype), features, dtype
        base.requires_grad_(False)
        self.shape = base.shape
        self.device = features.device
        half = self.shape.head // 2
        angles = torch.arange(1024, device=self.device)[:, None] * 10_000 ** (-torch.arange(half, device=self.device) / half)[None]
        angles = torch.cat((angles, angles), -1)
        self.cosine, self.sine = angles.cos().to(dtype), angles.sin().to(dtype)
        self.graphs = {}

    def linear(self, x, name, module, adapters):
        y = F.linear(x, module.weight, module.bias)
        if adapters is None:
            return y
        a, b = adapters.of(name, x.dtype)
        return y + torch.bmm(torch.bmm(x, a.mT), b.mT) * adapters.scale

    def embed(self, prompts: Prompts, adapters, count):
        """[count, prompts × width, hidden]"""
        x = self.base.decoder.embed_tokens(prompts.tokens).flatten(0, 1)[None].expand(count, -1, -1)
        if prompts.places is not None:
            audio = self.features[prompts.rows].to(self.dtype)[None].expand(count, -1, -1)
            x = x.index_copy(1, prompts.places, self.linear(audio, "model.multi_modal_projector.linear", self.base.projector, adapters))
        return x

    def layer(self, number, x, adapters, attend):
        layer = self.base.decoder.layers[number]
        def run(part, name, value):
            return self.linear(value, f"model.language_model.layers.{number}.{part}.{name}", getattr(getattr(layer, part), name), adapters)
        y = layer.input_layernorm(x)
        x = x + run("self_attn", "o_proj", attend(*(run("self_attn", n, y) for n in ("q_proj", "k_proj", "v_proj"))))
        y = layer.post_attention_layernorm(x)
        return x + run("mlp", "down_proj", F.silu(run("mlp", "gate_proj", y)) * run("mlp", "up_proj", y))

    def states(self, x, sequences, width, adapters, keep=None):
        """x [experiments, sequences × width, hidden] → the same; keys and values [experiments × sequences, heads, width, head] to `keep`."""
        count, head = x.shape[0], self.shape.head
        rotation = (self.cosine[:width], self.sine[:width])
        def attend(q, k, v):
            q, k, v = (t.reshape(count * sequences, width, -1, head).transpose(1, 2) for t in (q, k, v))
            q, k = rotated(q, rotation), rotated(k, rotation)
            if keep is not None:
                keep.append((k, v))
            groups = self.shape.heads // self.shape.key_heads
            k, v = k.repeat_interleave(groups, 1), v.repeat_interleave(groups, 1)
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            return y.transpose(1, 2).reshape(count, sequences * width, -1)
        for number in range(self.shape.layers):
            x = self.layer(number, x, adapters, attend)
        return self.base.decoder.norm(x)

    def logits_of_answers(self, prompts: Prompts, answers, adapters):
        """Of answers [experiments, prompts, longest], the logits that predict each token: [experiments, prompts, longest, vocabulary] float32."""
        count, sequences, longest = answers.shape
        width = prompts.tokens.shape[1] + longest
        x = self.embed(prompts, adapters, count).unflatten(1, (sequences, -1))
        x = F.pad(x, (0, 0, 0, longest)).flatten(1, 2)
        places = (torch.arange(sequences, device=self.device)[:, None] * width + prompts.lengths[:, None]
                  + torch.arange(longest, device=self.device)[None]).flatten()
        x = x.index_copy(1, places, self.base.decoder.embed_tokens(answers.flatten(1)))
        states = self.states(x, sequences, width, adapters)
        return (states[:, places - 1] @ self.base.decoder.embed_tokens.weight.T).float().unflatten(1, (sequences, longest))

    @torch.no_grad()
    def sample(self, prompts: Prompts, many, temperatures, longest, end, adapters, count=1):
        """Answers [experiments, prompts × many, longest], zeros after their end, and their lengths with the end token.

        `temperatures` [prompts × many]; 0 is greedy.
        """
        if adapters is not None:
            count = adapters.count
            adapters.copy(self.dtype)
        sequences = len(prompts.lengths) * many
        # A few widths alone, since each has a graph of its own.
        width = -(-prompts.tokens.shape[1] // 64) * 64
        key = (adapters, count, sequences, width, longest)
        if key not in self.graphs:
            if len(self.graphs) >= 8:
                self.graphs.clear()
            self.graphs[key] = Decode(self, adapters, count, sequences, width + longest, longest, end)
        decode = self.graphs[key]
        keep = []
        x = self.states(self.embed(prompts, adapters, count), len(prompts.lengths), prompts.tokens.shape[1], adapters, keep)
        last = torch.arange(len(prompts.lengths), device=self.device) * prompts.tokens.shape[1] + prompts.lengths - 1
        decode.begin(keep, prompts.lengths.repeat_interleave(many), temperatures, many,
                     (x[:, last] @ self.base.decoder.embed_tokens.weight.T).float().repeat_interleave(many, 1))
        return decode.run()


class Decode:
    """One token after another for all sequences of all experiments, as a CUDA graph where there is CUDA."""

    def __init__(self, stack: Stack, adapters, count, sequences, columns, longest, end):
        device, shape = stack.device, stack.shape
        self.stack, self.adapters, self.count, self.sequences, self.longest, self.end = stack, adapters, count, sequences, longest, end
        rows = count * sequences
        self.rows = torch.arange(rows, device=device)
        self.keys, self.values = ([torch.zeros(rows, shape.key_heads, columns, shape.head, dtype=stack.dtype, device=device)
                                   for _ in range(shape.layers)] for _ in range(2))
        self.column = torch.arange(columns, device=device)
        self.position = torch.zeros(rows, dtype=torch.long, device=device)
        self.step = torch.zeros(1, dtype=torch.long, device=device)
        self.token = torch.zeros(count, sequences, dtype=torch.long, device=device)
        self.done = torch.zeros(count, sequences, dtype=torch.bool, device=device)
        self.answers = torch.zeros(count, sequences, longest, dtype=torch.long, device=device)
        self.lengths = torch.zeros(count, sequences, dtype=torch.long, device=device)
        self.temperature = torch.ones(1, sequences, 1, device=device)
        self.noise = torch.zeros(1, sequences, 1, device=device)
        self.graph = None

    def begin(self, keep, lengths, temperatures, many, logits):
        for buffer, index in ((self.keys, 0), (self.values, 1)):
            for own, pair in zip(buffer, keep):
                own[:, :, :pair[index].shape[2]] = pair[index].repeat_interleave(many, 0)
        self.position.copy_(lengths.repeat(self.count))
        self.step.zero_()
        self.done.zero_()
        self.answers.zero_()
        self.lengths.zero_()
        self.temperature.copy_(torch.where(temperatures > 0, temperatures, 1.0)[None, :, None])
        self.noise.copy_((temperatures > 0).float()[None, :, None])
        self.choose(logits)

    def choose(self, logits):
        """Draws by Gumbel's noise, writes the token down, and moves on."""
        noise = -torch.empty_like(logits).exponential_().clamp(min=1e-20).log()
        token = (logits / self.temperature + self.noise * noise).argmax(-1)
        token = torch.where(self.done, torch.zeros_like(token), token)
        self.answers.index_copy_(2, self.step, token[..., None])
        self.lengths.add_((~self.done).long())
        self.done.logical_or_(token == self.end)
        self.token.copy_(token)
        self.step.add_(1)

    def advance(self):
        stack, shape = self.stack, self.stack.shape
        rotation = (stack.cosine[self.position][:, None], stack.sine[self.position][:, None])
        seen = (self.column[None] <= self.position[:, None])[:, None, None]
        x = stack.base.decoder.embed_tokens(self.token)
        for number in range(shape.layers):
            def attend(q, k, v):
                q, k, v = (t.reshape(self.count * self.sequences, -1, shape.head) for t in (q, k, v))
                q, k = rotated(q, rotation), rotated(k, rotation)
                keys, values = self.keys[number], self.values[number]
                keys[self.rows, :, self.position] = k
                values[self.rows, :, self.position] = v
                # The heads that share a key stand as so many queries.
                y = F.scaled_dot_product_attention(q.unflatten(1, (shape.key_heads, -1)), keys, values, attn_mask=seen)
                return y.reshape(self.count, self.sequences, -1)
            x = stack.layer(number, x, self.adapters, attend)
        self.position.add_(1)
        self.choose((stack.base.decoder.norm(x) @ stack.base.decoder.embed_tokens.weight.T).float())

    def run(self):
        cuda = self.stack.device.type == "cuda"
        for step in range(1, self.longest):
            if step % 8 == 0 and bool(self.done.all()):
                break
            if cuda and self.graph is None and step > 3:
                # Capturing runs nothing, so what comes first is replayed at once.
                torch.cuda.synchronize()
                self.graph = torch.cuda.CUDAGraph()
                with torch.cuda.graph(self.graph):
                    self.advance()
            if self.graph is not None:
                self.graph.replay()
            else:
                self.advance()
        return self.answers.clone(), self.lengths.clone()
