"""Scores that lag behind for large faces are put right, and nothing else of the network changes."""

import numpy as np
import pytest
import torch

from facedet_training.assign import Grid
from facedet_training.calibrate import KINDS, calibrate_checkpoint, candidates, find_shifts, precision, shift_scores
from facedet_training.detect import average_precision, decode
from facedet_training.export import load_checkpoint
from facedet_training.models import build
from facedet_training.train import Run

from .synthetic import drawn_cache
from .tiny_run import tiny_options


def guesses(seed: int, lag: float = 0.0):
    """Flat outputs of one image: faces on cells of strides 8 and 32, mistakes on stride 8; the logits of stride 32 lag behind."""
    generator = np.random.default_rng(seed)
    grid = Grid(256, 256)
    logits = generator.normal(-6, 0.5, len(grid.strides))
    distances = np.ones((len(grid.strides), 4))
    truth = []
    for stride, count, mean in ((8, 6, 1.5), (32, 2, 1.5)):
        for anchor in generator.choice(np.flatnonzero(grid.strides == stride), count, replace=False):
            logits[anchor] = generator.normal(mean, 0.5) - (lag if stride == 32 else 0)
            truth.append(np.tile(grid.centers[anchor], 2) + np.array([-1, -1, 1, 1]) * stride)
    wrong = generator.choice(np.flatnonzero(grid.strides == 8), 4, replace=False)
    logits[wrong] = np.maximum(logits[wrong], generator.normal(0, 0.5, 4))
    return 1 / (1 + np.exp(-logits)), distances, grid, np.array(truth)


def image(seed: int, lag: float = 0.0):
    scores, distances, grid, truth = guesses(seed, lag)
    return candidates(scores, distances, grid, truth, np.zeros(len(truth), bool))


def test_precision_is_that_of_the_plain_pipeline():
    found, faces = [], []
    for seed in range(8):
        scores, distances, grid, truth = guesses(seed)
        boxes, kept, _ = decode(scores, distances, None, grid)
        found.append((boxes, kept))
        faces.append(truth)
    for size in (0, 32):
        ignored = [np.sqrt((t[:, 2:] - t[:, :2]).prod(1)) < size for t in faces]
        expected = average_precision(found, faces, ignored)
        assert 0.3 < expected < 1
        assert precision([image(seed) for seed in range(8)], np.zeros(KINDS), [size])[0] == pytest.approx(expected)


def test_shifts_bring_back_what_lags():
    images = [image(seed, lag=1.2) for seed in range(40)]
    even = [image(seed) for seed in range(40)]
    shifts = find_shifts(images, sizes=(0,))
    assert shifts[0] == 0
    assert 0.6 <= shifts[4:].mean() <= 1.5
    after, best = precision(images, shifts, [0])[0], precision(even, np.zeros(KINDS), [0])[0]
    assert precision(images, np.zeros(KINDS), [0])[0] < best - 0.01
    assert after > best - 0.003


def test_only_the_score_biases_change(tmp_path):
    run = Run(tiny_options(images=16), drawn_cache(), range(8), tmp_path)
    run.train()
    shifts = np.array([0, 0.1, 0.2, 0.3, -0.4, 0.5])
    state = torch.load(tmp_path / "last.pt", weights_only=True)
    before = {k: v.clone() for k, v in state["ema"].items()}
    shift_scores(state, shifts)
    for key, value in state["ema"].items():
        moved = (value.double() - before[key].double()).numpy()
        wanted = shifts[2 * int(key[6]) :][:2] if key.endswith("score.bias") else 0
        assert np.abs(moved - wanted).max() < 1e-6
    result = calibrate_checkpoint(tmp_path / "last.pt", tmp_path / "calibrated.pt", drawn_cache(), range(8), canvas=(256, 224))
    assert result["images"] == 8
    assert sum(result["after"].values()) >= sum(result["before"].values())
    load_checkpoint(tmp_path / "calibrated.pt")


def test_shared_heads_are_refused():
    weights = build("scrfd_0.5g").state_dict()
    with pytest.raises(ValueError, match="a head for each stride"):
        shift_scores({"ema": weights, "model": weights}, np.zeros(KINDS))
