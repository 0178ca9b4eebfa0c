"""Goldens of the pretraining operations: PyTorch's CTC loss and its Muon.

    python3 Tests/Fixtures/pretraining/make.py      needs torch 2.9 or newer

Writes ctc.json (logits, labels, losses, gradient of the sum of the finite losses) and muon.json (a matrix after each of three
steps of torch.optim.Muon, whose orthogonalisation runs in bfloat16).
"""

import json
import pathlib

import torch

folder = pathlib.Path(__file__).parent
torch.manual_seed(0)


def rounded(tensor):
    return [round(value, 7) for value in tensor.flatten().tolist()]


def ctc():
    words, blank = 6, 4
    # The last clip has too few rows: equal neighbours need a blank between them.
    lengths, labels = [9, 4, 1, 3], [[1, 1, 0, 5], [], [2], [3, 3, 0]]
    rows = torch.randn(sum(lengths), words, dtype=torch.float64) * 2
    rows = rows.float().double().requires_grad_()
    losses, start = [], 0
    for length, label in zip(lengths, labels):
        scores = rows[start : start + length].log_softmax(-1).unsqueeze(1)
        start += length
        losses.append(
            torch.nn.functional.ctc_loss(
                scores, torch.tensor([label], dtype=torch.long).reshape(1, -1), [length], [len(label)], blank=blank,
                reduction="sum"))
    sum(loss for loss in losses if torch.isfinite(loss)).backward()
    return {
        "words": words, "blank": blank, "lengths": lengths, "labels": labels, "logits": rounded(rows.detach()),
        "losses": [loss.item() if torch.isfinite(loss) else None for loss in losses], "gradient": rounded(rows.grad)}


def muon():
    result = []
    for rows, columns in [(6, 4), (5, 12)]:
        parameter = torch.nn.Parameter(torch.randn(rows, columns))
        start = parameter.detach().clone()
        optimizer = torch.optim.Muon(
            [parameter], lr=0.02, weight_decay=0.01, momentum=0.95, nesterov=True, adjust_lr_fn="match_rms_adamw")
        gradients, after = [], []
        for _ in range(3):
            parameter.grad = torch.randn(rows, columns)
            gradients.append(rounded(parameter.grad))
            optimizer.step()
            after.append(rounded(parameter.detach()))
        result.append(
            {"rows": rows, "columns": columns, "start": rounded(start), "gradients": gradients, "after": after})
    return result


(folder / "ctc.json").write_text(json.dumps(ctc()) + "\n")
(folder / "muon.json").write_text(json.dumps(muon()) + "\n")
