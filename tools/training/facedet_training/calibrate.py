"""One constant for each kind of anchor, added to its scores' logits, so that a score is worth the same whatever the face's size.

Few faces are assigned to the large anchors, so a short training leaves their scores below those of small faces that are equally certain.
Average precision ranks all scores together, so every large face then ranks below small false positives. Six constants, found on the images
kept aside, correct that; in the network they are the biases of its score convolutions.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .assign import Grid
from .detect import letterbox
from .labels import overlap_matrix
from .models import ANCHORS_PER_CELL, STRIDES

KINDS = len(STRIDES) * ANCHORS_PER_CELL
REACH = 1.5
# Of an image's candidates, the best: an untrained network has ten thousands, which would take gigabytes.
MOST = 3000
THRESHOLD, NMS = 0.02, 0.45


@dataclass
class Candidates:
    """One image's boxes before suppression: logits [N], kind of anchor [N], which pairs suppress each other, the truth each matches."""

    logits: np.ndarray
    kinds: np.ndarray
    rivals: np.ndarray
    truth: np.ndarray
    hit: np.ndarray
    sides: np.ndarray
    ignored: np.ndarray


def logit(p):
    return np.log(p / (1 - p))


def candidates(scores, distances, grid: Grid, truth: np.ndarray, ignored: np.ndarray) -> Candidates:
    """From flat outputs ([N], [N, 4]) all that any shift within `REACH` could bring above the threshold."""
    chosen = np.flatnonzero(scores > 1 / (1 + np.exp(REACH - logit(THRESHOLD))))
    chosen = chosen[np.argsort(-scores[chosen], kind="stable")[:MOST]]
    center, stride = grid.centers[chosen], grid.strides[chosen, None]
    distance = distances[chosen] * stride
    boxes = np.hstack([center - distance[:, :2], center + distance[:, 2:]])
    kinds = np.searchsorted(STRIDES, grid.strides[chosen]) * ANCHORS_PER_CELL + chosen % ANCHORS_PER_CELL
    on = overlap_matrix(boxes, truth) if len(truth) and len(boxes) else np.zeros((len(boxes), 1))
    sides = np.sqrt(np.maximum(truth[:, 2:] - truth[:, :2], 0).prod(1)) if len(truth) else np.zeros(0)
    return Candidates(
        logit(np.clip(scores[chosen], 1e-6, 1 - 1e-6)),
        kinds,
        overlap_matrix(boxes, boxes) > NMS,
        on.argmax(1),
        on.max(1) >= 0.5,
        sides,
        ignored,
    )


def ranked(image: Candidates, shifts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logits and indices of what stays after threshold and suppression, by falling score."""
    logits = image.logits + shifts[image.kinds]
    order = np.argsort(-logits, kind="stable")
    order = order[logits[order] > logit(THRESHOLD)]
    gone = np.zeros(len(logits), bool)
    kept = []
    for i in order:
        if not gone[i]:
            kept.append(i)
            gone |= image.rivals[i]
    return logits[kept], np.array(kept, int)


def precision(images: list[Candidates], shifts: np.ndarray, sizes) -> np.ndarray:
    """AP at overlap 0.5 with these shifts, for faces from each of `sizes` pixels up."""
    stays = [ranked(image, shifts) for image in images]
    return np.array([precision_from(images, stays, size) for size in sizes])


def precision_from(images: list[Candidates], stays, size: float) -> float:
    logits, hits, total = [], [], 0
    for image, (values, kept) in zip(images, stays):
        ignored = image.ignored | (image.sides < size)
        total += int((~ignored).sum())
        # A second find of a face is a false one; a find of an ignored face counts neither way.
        lies, on = image.hit[kept], image.truth[kept]
        first = np.zeros(len(kept), bool)
        places = np.flatnonzero(lies)
        first[places[np.unique(on[places], return_index=True)[1]]] = True
        counts = ~lies | ~ignored[np.where(lies, on, 0)] if len(ignored) else np.ones(len(kept), bool)
        logits.append(values[counts])
        hits.append(first[counts])
    hit = np.concatenate(hits)[np.argsort(-np.concatenate(logits), kind="stable")] if hits else np.zeros(0, bool)
    if not total or not len(hit):
        return 0.0
    true = np.cumsum(hit)
    envelope = np.maximum.accumulate((true / np.arange(1, len(hit) + 1))[::-1])[::-1]
    return float(np.sum(np.diff(true / total, prepend=0) * envelope))


def find_shifts(images: list[Candidates], sizes=(0, 8, 16, 32), steps=(0.4, 0.2, 0.1)) -> np.ndarray:
    """The shifts [KINDS] with the best mean AP over `sizes`, by going uphill one constant at a time. Only differences between the kinds
    change a ranking, so that the first, that of the smallest faces, stays 0: its scores are those that were trained best."""
    shifts = np.zeros(KINDS)
    best = precision(images, shifts, sizes).mean()
    for step in steps:
        moved = True
        while moved:
            moved = False
            for kind in range(1, KINDS):
                for way in (step, -step):
                    tried = shifts.copy()
                    tried[kind] += way
                    if abs(tried[kind]) > REACH:
                        continue
                    value = precision(images, tried, sizes).mean()
                    if value > best + 1e-5:
                        shifts, best, moved = tried, value, True
                        break
    return shifts


def gather(outputs, cache, indices, canvas: tuple[int, int] = (640, 640)) -> list[Candidates]:
    """`outputs` as in `tuning_ap`, over cached images."""
    grid = Grid(*canvas)
    found = []
    for i in indices:
        tensor, scale, _ = letterbox(cache.image(i), canvas)
        scores, distances, _ = outputs(tensor)
        own = cache.faces(i)
        found.append(candidates(scores, distances, grid, cache.boxes[own] * np.tile(scale, 2), cache.ignore[own]))
    return found


def shift_scores(state: dict, shifts: np.ndarray) -> None:
    """Adds the shifts to the score biases of a checkpoint's weights, in place."""
    for weights in (state["ema"], state["model"]):
        if f"heads.{len(STRIDES) - 1}.score.bias" not in weights:
            raise ValueError("expected a model with a head for each stride (_kps), found one whose strides share theirs")
        for i, own in enumerate(np.reshape(shifts, (len(STRIDES), ANCHORS_PER_CELL))):
            bias = weights[f"heads.{i}.score.bias"]
            bias += bias.new_tensor(own)


def calibrate_checkpoint(path: Path, output: Path, cache, indices, sizes=(0, 8, 16, 32), canvas: tuple[int, int] = (640, 640)) -> dict:
    """A copy of a checkpoint whose scores are calibrated on these images; returns the shifts and AP before and after."""
    import torch

    from .detect import network_outputs
    from .export import load_checkpoint

    model = load_checkpoint(path).to(memory_format=torch.channels_last)
    images = gather(lambda tensor: network_outputs(model, tensor), cache, indices, canvas)
    shifts = find_shifts(images, sizes)
    state = torch.load(path, map_location="cpu", weights_only=True)
    shift_scores(state, shifts)
    partial = output.with_name(output.name + ".partial")
    output.parent.mkdir(parents=True, exist_ok=True)
    torch.save(state, partial)
    partial.replace(output)
    named = lambda values: {f">={s}px": round(float(v), 4) for s, v in zip(sizes, values)}  # noqa: E731
    before, after = (named(precision(images, s, sizes)) for s in (np.zeros(KINDS), shifts))
    return {"file": str(output), "images": len(images), "shifts": [round(float(s), 2) for s in shifts], "before": before, "after": after}
