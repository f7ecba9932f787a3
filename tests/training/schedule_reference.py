"""Compares lines "kind step rate" of the file given, after warm-up, with torch.optim.lr_scheduler."""

import sys

import torch

PEAK, LOW, WARMUP, STEPS, RATE, PERIOD = 0.8, 0.2, 10, 110, 0.25, 40


def optimizer(rate):
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)


def rates(kind):
    """Learning rates of the updates WARMUP, WARMUP + 1, ..."""
    start = optimizer(PEAK)
    if kind == "constant":
        schedule = torch.optim.lr_scheduler.ConstantLR(start, factor=1.0)
    elif kind == "linear":
        schedule = torch.optim.lr_scheduler.LinearLR(start, 1.0, LOW / PEAK, STEPS - WARMUP)
    elif kind == "exponential":
        schedule = torch.optim.lr_scheduler.ExponentialLR(start, RATE ** (1 / PERIOD))
    elif kind == "cosine":
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(start, STEPS - WARMUP, LOW)
    elif kind == "cyclic":
        schedule = torch.optim.lr_scheduler.CyclicLR(start, LOW, PEAK, PERIOD // 2, last_epoch=-1)
        for _ in range(PERIOD // 2):  # torch begins at the low
            start.step()
            schedule.step()
    elif kind == "noam":  # torch has none: Vaswani et al. 2017, equation 3, scaled to the peak
        schedule = torch.optim.lr_scheduler.LambdaLR(
            start,
            lambda since: min((WARMUP + since) ** -0.5, (WARMUP + since) * WARMUP**-1.5) * WARMUP**0.5,
        )
    while True:
        yield start.param_groups[0]["lr"]
        start.step()
        schedule.step()


compared = {}
references = {}
for line in open(sys.argv[1]):
    kind, step, rate = line.split()
    if int(step) == WARMUP:
        references[kind] = rates(kind)
    expected = next(references[kind])
    if kind == "exponential":
        expected = max(expected, LOW)
    assert abs(float(rate) - expected) < 1e-9, (line, expected)
    compared[kind] = compared.get(kind, 0) + 1
assert len(compared) == 6 and set(compared.values()) == {STEPS - WARMUP + 1}, compared
