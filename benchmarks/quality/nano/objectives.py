"""The losses of CORD and its baselines for many experiments at once, and an optimiser that clips and moves each by itself.

Equations are those of arXiv 2601.16547 as `Sources/Learning/Objectives` reads them: sums over an answer's tokens, no gradient through
weights, rollouts of the sequence term scored at temperature 1.
"""

import torch


def inside(lengths, longest):
    """1 at the tokens of an answer, its end included: lengths [experiments, answers] → [experiments, answers, longest]."""
    return (torch.arange(longest, device=lengths.device)[None, None] < lengths[..., None]).float()


def reverse_kl(student, teacher):
    """KL(student ‖ teacher) of log-probabilities, over the last dimension."""
    return (student.exp() * (student - teacher)).sum(-1)


def forward_kl(student, teacher):
    return (teacher.exp() * (teacher - student)).sum(-1)


def token_weights(divergence, lengths, alpha, beta, k, first):
    """w_t (equations 4 and 5): α at the K largest divergences, falling from β at the first token to 1 at the last; 0 beyond `first`."""
    own = inside(lengths, divergence.shape[-1])
    place = torch.arange(divergence.shape[-1], device=divergence.device)[None, None]
    position = beta - (beta - 1) * place / (lengths[..., None] - 1).clamp(min=1)
    masked = torch.where(own > 0, divergence, torch.full_like(divergence, -1))
    rank = masked.argsort(-1, descending=True).argsort(-1)
    largest = torch.where(rank < k, alpha, torch.ones_like(alpha))
    early = (place < (first * lengths[..., None]).ceil()).float()
    return own * position * largest * early


def losses(experiments, student, teacher, answers, lengths, many, advantages, divergences, late):
    """Each experiment's loss, summed over pairs: [experiments].

    - student, teacher: log-probabilities [experiments, pairs × many, longest, vocabulary]; answers, lengths without the last dimensions.
    - advantages [experiments, pairs, 4] of the last four of each pair's `many` answers; the first is the token term's where there is one.
    """
    count, longest = len(experiments), answers.shape[-1]
    own = inside(lengths, longest)
    chosen = student.gather(-1, answers[..., None])[..., 0]

    def of(name):
        return torch.tensor([float(getattr(e, name)) for e in experiments], device=student.device)

    if experiments[0].target:
        likelihood = -(chosen * own).sum((1, 2)) / many
        if teacher is None:
            return likelihood
        kl = (forward_kl(student, teacher) * own).sum((1, 2)) / many
        return torch.where(torch.tensor([e.target == "forward" for e in experiments], device=student.device), kl, likelihood)
    total = torch.zeros(count, device=student.device)
    by_pair = lambda values: values.unflatten(1, (-1, many))
    if any(e.token for e in experiments):
        first = lambda values: by_pair(values)[:, :, 0]
        divergence = reverse_kl(first(student), first(teacher))
        shaped = lambda name: of(name)[:, None, None]
        weights = token_weights(divergence.detach(), first(lengths), shaped("alpha"), shaped("beta"), shaped("k"), shaped("first"))
        total = total + of("token") * (weights * divergence).sum((1, 2))
        if divergences is not None:
            divergences.add(divergence.detach(), first(lengths), late)
    if advantages is not None:
        likelihood = (chosen * own).sum(-1).unflatten(1, (-1, many))[:, :, many - 4:]
        total = total - of("sequence") * (advantages * likelihood).sum((1, 2)) / 4
    return total


class Positions:
    """Mean divergence by position, four tokens together, in the first and the last quarter of a training."""

    def __init__(self, count, device, longest=128):
        self.sums = torch.zeros(2, count, longest // 4, device=device)
        self.counts = torch.zeros(2, count, longest // 4, device=device)

    def add(self, divergence, lengths, late):
        own = inside(lengths, divergence.shape[-1])
        pad = -divergence.shape[-1] % 4
        values = torch.nn.functional.pad(divergence * own, (0, pad)).unflatten(-1, (-1, 4)).sum((1, 3))
        counts = torch.nn.functional.pad(own, (0, pad)).unflatten(-1, (-1, 4)).sum((1, 3))
        self.sums[int(late), :, :values.shape[1]] += values
        self.counts[int(late), :, :values.shape[1]] += counts

    def table(self):
        """[quarter][experiment][position / 4] of (mean, tokens)."""
        means = (self.sums / self.counts.clamp(min=1)).tolist()
        return [[[(round(m, 4), int(n)) for m, n in zip(row, number) if n > 0] for row, number in zip(means[q], self.counts[q].tolist())]
                for q in range(2)]


class AdamW:
    """Without decay; gradients of each experiment are clipped to a norm of 1 and moved at its own rate."""

    def __init__(self, parameters, rates, betas=(0.9, 0.999), epsilon=1e-8):
        self.parameters, self.rates, self.betas, self.epsilon = list(parameters), rates, betas, epsilon
        self.first = [torch.zeros_like(p) for p in self.parameters]
        self.second = [torch.zeros_like(p) for p in self.parameters]
        self.count, self.norms = 0, None

    @torch.no_grad()
    def step(self, share):
        self.count += 1
        squares = sum((p.grad ** 2).sum((1, 2)) for p in self.parameters)
        self.norms = squares.sqrt()
        # An experiment whose gradient is not finite stays where it is.
        scale = torch.where(torch.isfinite(self.norms), 1 / self.norms.clamp(min=1), torch.zeros_like(self.norms))[:, None, None]
        one, two = (1 - beta ** self.count for beta in self.betas)
        for p, m, v in zip(self.parameters, self.first, self.second):
            g = torch.nan_to_num(p.grad) * scale
            m.lerp_(g, 1 - self.betas[0])
            v.lerp_(g ** 2, 1 - self.betas[1])
            p.sub_(share * self.rates[:, None, None] * (m / one) / ((v / two).sqrt() + self.epsilon))
            p.grad = None
