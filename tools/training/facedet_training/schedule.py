"""The learning rate as a factor of the base rate, by progress: 0 at the start, 1 at the end."""

from __future__ import annotations

import math


def factor(progress: float, kind: str, warmup: float, start: float = 1e-3, steps: tuple[float, ...] = (440 / 640, 544 / 640)) -> float:
    """`warmup` is a share of the run. `steps` divides by ten at each; `cosine` falls to a hundredth."""
    if progress < warmup:
        return start + (1 - start) * progress / warmup
    if kind == "steps":
        return 0.1 ** sum(progress >= s for s in steps)
    if kind == "cosine":
        left = (min(progress, 1.0) - warmup) / max(1 - warmup, 1e-9)
        return 0.01 + 0.99 * (1 + math.cos(math.pi * left)) / 2
    if kind == "constant":
        return 1.0
    raise ValueError(f"expected a schedule steps, cosine or constant, found {kind!r}")
