"""What happens to clean speech on its way to a microphone, and the log-mel spectrogram, on batches of samples in PyTorch."""

import math

import torch

RATE = 16000


def filterbank(mels: int = 80, bins: int = 201) -> torch.Tensor:
    """Slaney's triangles, as Whisper uses them: [mels, bins]."""
    def to_mel(f):
        return 3 * f / 200 if f < 1000 else 15 + 27 * math.log(f / 1000) / math.log(6.4)

    def to_hertz(m):
        return 200 * m / 3 if m < 15 else 1000 * math.exp((m - 15) * math.log(6.4) / 27)

    top = to_mel(RATE / 2)
    edges = torch.tensor([to_hertz(top * place / (mels + 1)) for place in range(mels + 2)], dtype=torch.float64)
    frequencies = torch.linspace(0, RATE / 2, bins, dtype=torch.float64)
    rising = (frequencies[None] - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - frequencies[None]) / (edges[2:] - edges[1:-1])[:, None]
    weights = torch.clamp(torch.minimum(rising, falling), min=0) * (2 / (edges[2:] - edges[:-2]))[:, None]
    return weights.float()


class LogMel(torch.nn.Module):
    """WhisperFeatureExtractor's spectrogram: [clips, samples] → [clips, 80, frames], a frame each 160 samples."""

    def __init__(self):
        super().__init__()
        self.register_buffer("window", torch.hann_window(400), persistent=False)
        self.register_buffer("filters", filterbank(), persistent=False)

    def forward(self, samples):
        power = torch.stft(samples, 400, 160, window=self.window, return_complex=True)[..., :-1].abs() ** 2
        log = torch.clamp(self.filters @ power, min=1e-10).log10()
        log = torch.maximum(log, log.amax((1, 2), keepdim=True) - 8)
        return (log + 4) / 4


def power_of(x, lengths):
    """Mean square of each row's own samples."""
    return (x ** 2).sum(1) / lengths.clamp(min=1)


def stretched(x, factors, width: int):
    """Read at `factors` times the speed, pitch and formants moving along, by linear interpolation: [n, width]."""
    places = torch.arange(width, device=x.device)[None] * factors[:, None]
    low = places.long().clamp(max=x.shape[1] - 2)
    part = (places - low).clamp(0, 1)
    return torch.gather(x, 1, low) * (1 - part) + torch.gather(x, 1, low + 1) * part


def shaped_noise(shape, exponent, device):
    """Noise whose power falls with frequency to the power of `exponent` (0 white, 1 pink, 2 brown), of variance 1: exponent [rows]."""
    spectrum = torch.fft.rfft(torch.randn(shape, device=device))
    frequencies = torch.arange(spectrum.shape[1], device=device, dtype=torch.float32).clamp(min=8)
    noise = torch.fft.irfft(spectrum * frequencies[None] ** (-exponent[:, None] / 2), n=shape[1])
    return noise / noise.std(1, keepdim=True).clamp(min=1e-9)


def reverberated(x, seconds, wetness):
    """Behind exponentially falling noise, as in a room that needs `seconds` [rows] to fall by 60 dB; direct sound first (Polack's model)."""
    count = int(0.5 * RATE)
    time = torch.arange(count, device=x.device) / RATE
    tail = torch.randn(len(x), count, device=x.device) * torch.exp(-6.9 * time[None] / seconds[:, None])
    tail = tail / tail.norm(dim=1, keepdim=True) * wetness[:, None]
    tail[:, 0] += 1
    size = 1 << (x.shape[1] + count - 1).bit_length()
    return torch.fft.irfft(torch.fft.rfft(x, size) * torch.fft.rfft(tail, size), size)[:, :x.shape[1]]


def band_limited(x, low, high):
    """Without what lies below `low` and above `high` Hz, [rows] each, with edges a tenth wide."""
    spectrum = torch.fft.rfft(x)
    frequencies = torch.linspace(0, RATE / 2, spectrum.shape[1], device=x.device)[None]
    gate = torch.sigmoid((high[:, None] - frequencies) / 60) * torch.sigmoid((frequencies - low[:, None]) / 30)
    return torch.fft.irfft(spectrum * gate, x.shape[1])


def chance(count, share):
    return torch.rand(count) < share


def between(count, low, high):
    return low + (high - low) * torch.rand(count)


class Plan:
    """Where the samples of augmented clips come from: speed, silence before, behind and within, drawn on the CPU, so that the number of
    embeddings is known before the GPU has heard anything. Two fifths of the clips keep their speed."""

    def __init__(self, lengths, longest: int):
        n = len(lengths)
        self.factors = torch.where(chance(n, 0.4), torch.ones(n), between(n, 0.75, 1.35))
        self.lengths = torch.minimum((lengths / self.factors).long(), torch.tensor(longest))
        room = longest - self.lengths

        def silence(share, seconds):
            return torch.where(chance(n, share), seconds, torch.zeros(n)).mul(RATE).long()
        self.pause = torch.minimum(silence(0.25, between(n, 0.1, 1.0)), room)
        self.before = torch.minimum(silence(0.7, between(n, 0, 1) ** 1.5 * 2.5), room - self.pause)
        self.behind = torch.minimum(silence(0.7, between(n, 0, 1) ** 1.5 * 2.5), room - self.pause - self.before)
        self.cut = (between(n, 0.05, 0.95) * self.lengths).long()
        self.totals = self.lengths + self.pause + self.before + self.behind
        self.in_room = chance(n, 0.3)

    def part(self, places) -> "Plan":
        """The plan of some of the clips."""
        part = object.__new__(Plan)
        part.__dict__ = {name: values[places] for name, values in self.__dict__.items()}
        return part


def augmented(x, plan: Plan):
    """Clean clips [n, samples] as a microphone might give them, [n, longest].

    By `plan`; some come from a room; a sixth over a telephone; all have noise and a level of their own, from whispered to clipped.
    """
    n, device = len(x), x.device

    def on(values):
        return values.to(device, non_blocking=True)

    factors, lengths, totals, pause, before, cut = map(on, (plan.factors, plan.lengths, plan.totals, plan.pause, plan.before, plan.cut))
    width = int(plan.totals.max())
    x = stretched(x, factors, int(plan.lengths.max()))
    place = torch.arange(width, device=device)[None] - before[:, None]
    behind_pause = place >= (cut + pause)[:, None]
    source = torch.where(behind_pause, place - pause[:, None], place)
    inside = (source >= 0) & (source < lengths[:, None]) & (behind_pause | (place < cut[:, None]))
    y = torch.gather(x, 1, source.clamp(0, x.shape[1] - 1)) * inside

    rooms = on(plan.in_room.nonzero()[:, 0])
    if len(rooms):
        k = len(rooms)
        y = y.index_copy(0, rooms, reverberated(y[rooms], on(between(k, 0.15, 0.7)), on(between(k, 0.1, 0.9))))
    # Colour of the microphone, or a telephone.
    telephone = chance(n, 1 / 6)
    low = torch.where(telephone, between(n, 200, 400), between(n, 0, 120))
    high = torch.where(telephone, between(n, 3000, 3800), between(n, 5000, 9000))
    y = band_limited(y, on(low), on(high))
    power = power_of(y, lengths).clamp(min=1e-10)
    # Noise from white to pink, or the babble of the batch's other clips.
    ratio = torch.where(chance(n, 0.5), between(n, 8, 35), between(n, 30, 65))
    noise = shaped_noise(y.shape, on(chance(n, 0.5) * torch.rand(n)), device)
    babble = chance(n, 0.15)
    ratio = on(torch.where(babble, ratio.clamp(min=12), ratio))
    others = sum(torch.roll(y, shift, 0) / power.roll(shift)[:, None].sqrt() for shift in (1, 2, 3)) / math.sqrt(3)
    noise = torch.where(on(babble)[:, None], others, noise)
    y = y + noise * (power / 10 ** (ratio / 10)).sqrt()[:, None]
    peak = y.abs().amax(1).clamp(min=1e-6)
    level = on(torch.where(chance(n, 0.15), between(n, -45, -25), between(n, -24, 2)))
    y = (y / peak[:, None] * 10 ** (level / 20)[:, None]).clamp(-1, 1)
    # A telephone's 8-bit logarithmic steps.
    compressed = on(chance(n, 0.1))
    curve = torch.sign(y) * torch.log1p(255 * y.abs()) / math.log(256)
    steps = torch.round(curve * 127) / 127
    y = torch.where(compressed[:, None], torch.sign(steps) * (torch.exp(steps.abs() * math.log(256)) - 1) / 255, y)
    own = torch.arange(width, device=device)[None] < totals[:, None]
    return torch.round(y * 32767) / 32768 * own


def without_speech(lengths, device):
    """Clips in which nobody speaks, so many samples long: nothing at all, noise of any colour, hums, tones, clicks."""
    n, width = len(lengths), int(lengths.max())
    def between(count, low, high, device):
        return low + (high - low) * torch.rand(count, device=device)
    time = torch.arange(width, device=device)[None] / RATE
    noise = shaped_noise((n, width), between(n, 0, 2, device), device)
    tones = torch.zeros(n, width, device=device)
    for _ in range(4):
        pitch = 40 * 2 ** between(n, 0, 6, device)
        wobble = 1 + torch.sin(2 * math.pi * between(n, 0.2, 6, device)[:, None] * time) * between(n, 0, 1, device)[:, None]
        tones += torch.sin(2 * math.pi * pitch[:, None] * time) * wobble
    clicks = (torch.rand(n, width, device=device) < 1e-4).float() * 3
    kind = torch.randint(0, 5, (n, 1), device=device)
    y = torch.where(kind == 0, torch.zeros_like(noise), torch.where(kind == 1, noise, torch.where(
        kind == 2, tones, torch.where(kind == 3, tones + noise, clicks + 0.1 * noise))))
    level = 10 ** (between(n, -70, -3, device) / 20)
    peak = y.abs().amax(1, keepdim=True).clamp(min=1e-6)
    own = torch.arange(width, device=device)[None] < lengths.to(device)[:, None]
    return torch.round(y / peak * level[:, None] * 32767) / 32768 * own
