"""One set of labels out of a data set's boxes and a teacher's: landmarks, faces that were left unlabeled, what to ignore."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .cache import ImageCache


@dataclass(frozen=True)
class Habits:
    """How far a data set's boxes are to be believed.

    missed: what a teacher's sure find, which no label has, becomes: `face`, or `ignore` where the labels are thought complete.
    boxes: `own`, `mean` with the teacher's, or the `teacher`'s where the set's are loose (a face no teacher found is ignored then).
    """

    missed: str = "face"
    boxes: str = "own"
    sure: float = 0.5
    doubtful: float = 0.2


def overlap_matrix(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    sides = np.minimum(a[:, None, 2:], b[None, :, 2:]) - np.maximum(a[:, None, :2], b[None, :, :2])
    inter = np.maximum(sides, 0).prod(-1)
    areas = [(m[:, 2:] - m[:, :2]).prod(-1) for m in (a, b)]
    return inter / np.maximum(areas[0][:, None] + areas[1] - inter, 1e-9)


def merge(boxes, landmarks, ignore, found, scores, points, habits: Habits, smallest: float = 8.0):
    """One image's labels; returns boxes, landmarks, ignore. Landmarks are believed from `smallest` pixels up."""
    boxes, landmarks, ignore = boxes.copy(), landmarks.copy(), ignore.copy()
    overlap = overlap_matrix(boxes, found) if len(boxes) and len(found) else np.zeros((len(boxes), len(found)))
    of_face = np.full(len(boxes), -1)
    free = overlap.copy()
    for _ in range(min(free.shape)):
        face, det = np.unravel_index(free.argmax(), free.shape)
        if free[face, det] < 0.35:
            break
        of_face[face] = det
        free[face], free[:, det] = -1, -1
    for face in np.flatnonzero(of_face >= 0):
        det = of_face[face]
        if scores[det] >= 0.3 and (boxes[face, 2:] - boxes[face, :2]).min() >= smallest and np.isnan(landmarks[face]).all():
            landmarks[face] = points[det]
        if habits.boxes == "mean":
            boxes[face] = (boxes[face] + found[det]) / 2
        elif habits.boxes == "teacher":
            boxes[face] = found[det]
    if habits.boxes == "teacher":
        ignore |= of_face < 0
    # A find that shares a third of its area with a label is that face, seen badly.
    if len(boxes) and len(found):
        sides = np.minimum(boxes[:, None, 2:], found[None, :, 2:]) - np.maximum(boxes[:, None, :2], found[None, :, :2])
        share = np.maximum(sides, 0).prod(-1) / np.maximum((found[:, 2:] - found[:, :2]).prod(-1), 1e-9)
        known = (share > 0.34).any(0)
    else:
        known = np.zeros(len(found), bool)
    known[of_face[of_face >= 0]] = True
    sure = ~known & (scores >= habits.sure)
    doubtful = ~known & ~sure & (scores >= habits.doubtful)
    ignored = doubtful | (sure if habits.missed == "ignore" else np.zeros_like(sure))
    added = (sure & ~ignored) | ignored
    return (
        np.concatenate([boxes, found[added]]).astype(np.float32),
        np.concatenate([landmarks, points[added]]).astype(np.float32),
        np.concatenate([ignore, ignored[added]]),
    )


def relabel(cache: ImageCache, teacher: dict[str, np.ndarray], habits: dict[str, Habits]) -> ImageCache:
    """`teacher` has flat arrays `image`, `boxes`, `scores`, `landmarks`."""
    order = np.argsort(teacher["image"], kind="stable")
    begin = np.searchsorted(teacher["image"][order], np.arange(len(cache) + 1))
    parts = []
    for i in range(len(cache)):
        own, det = cache.faces(i), order[begin[i] : begin[i + 1]]
        found = (teacher[key][det] for key in ("boxes", "scores", "landmarks"))
        chosen = habits.get(cache.source[i], Habits())
        parts.append(merge(cache.boxes[own], cache.landmarks[own], cache.ignore[own], *found, chosen))
    first = np.concatenate([[0], np.cumsum([len(p[0]) for p in parts])])
    boxes, landmarks, ignore = (np.concatenate([p[k] for p in parts]) for k in range(3))
    return replace(cache, first=first, boxes=boxes, landmarks=landmarks, ignore=ignore)
