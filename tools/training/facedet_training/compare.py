"""What INT8 changes: the noise of its scores against FP32, and the time of both in turns."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from .export import open_session
from .models import STRIDES


def score_noise(reference: Path, quantized: Path, tensors: Iterable[np.ndarray], least: float = 0.05) -> dict[int, float | None]:
    """Root mean square difference of the scores (0 to 1) for each stride, over the anchors to which `reference` gives at least `least`.

    Tells layouts apart that average precision over few images cannot. tensors: [1, 3, h, w] each, as `calibration_tensors` gives them.
    The scores are the first three outputs, as in every SCRFD. None for a stride at which no anchor is sure enough.
    """
    sessions = [open_session(path) for path in (reference, quantized)]
    squares: dict[int, list[np.ndarray]] = {stride: [np.zeros(0)] for stride in STRIDES}
    for tensor in tensors:
        pair = [s.run(None, {s.get_inputs()[0].name: tensor}) for s in sessions]
        for stride, expected, found in zip(STRIDES, *pair):
            squares[stride].append((found - expected)[expected >= least] ** 2)
    joined = {stride: np.concatenate(parts) for stride, parts in squares.items()}
    return {stride: float(np.sqrt(v.mean())) if v.size else None for stride, v in joined.items()}


def milliseconds(models: Iterable[Path], size: tuple[int, int], rounds: int = 25) -> list[float]:
    """Median CPU time of one run, on one thread; the models take turns, so that what disturbs one disturbs all. size: (width, height)."""
    sessions = [open_session(path) for path in models]
    tensor = np.random.default_rng(0).random((1, 3, size[1], size[0]), np.float32)
    times: list[list[float]] = [[] for _ in sessions]
    for round_ in range(rounds + 3):
        for session, taken in zip(sessions, times):
            start = time.process_time()
            session.run(None, {session.get_inputs()[0].name: tensor})
            if round_ >= 3:  # the first ones pay for what is set up once
                taken.append((time.process_time() - start) * 1e3)
    return [float(np.median(taken)) for taken in times]
