"""Which anchors learn which face: ATSS (arXiv:1912.02424) and plain overlap, for a whole batch at once, in NumPy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .models import ANCHOR_SIZES, ANCHORS_PER_CELL, STRIDES

# The nine nearest anchors are in the five nearest cells, all within two cells of the face's own.
REACH = 2


@dataclass
class Grid:
    """All anchors of one canvas: center (cell × stride), stride and side, rows by stride, y, x, anchor."""

    width: int
    height: int

    def __post_init__(self) -> None:
        centers, strides, sides, first = [], [], [], [0]
        for stride, sizes in zip(STRIDES, ANCHOR_SIZES):
            rows, columns = self.height // stride, self.width // stride
            y, x = np.mgrid[:rows, :columns]
            cells = np.stack([x, y], -1).reshape(-1, 2) * stride
            centers.append(np.repeat(cells, ANCHORS_PER_CELL, 0))
            strides.append(np.full(len(cells) * ANCHORS_PER_CELL, stride))
            sides.append(np.tile(np.array(sizes), len(cells)))
            first.append(first[-1] + len(cells) * ANCHORS_PER_CELL)
        self.centers = np.concatenate(centers).astype(np.float32)
        self.strides = np.concatenate(strides).astype(np.float32)
        self.sides = np.concatenate(sides).astype(np.float32)
        self.first = first

    def __len__(self) -> int:
        return len(self.centers)

    def boxes(self, index=slice(None)) -> np.ndarray:
        half = self.sides[index][..., None] / 2
        return np.concatenate([self.centers[index] - half, self.centers[index] + half], -1)


def paired_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Overlap of boxes along the last axis, broadcast over the others."""
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    inter = np.maximum(sides, 0).prod(-1)
    areas = [np.maximum(m[..., 2:] - m[..., :2], 0).prod(-1) for m in (a, b)]
    return inter / np.maximum(areas[0] + areas[1] - inter, 1e-9)


def nearest_anchors(grid: Grid, boxes: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices [faces, 3·k] of the k anchors nearest to each face's center on each stride, and which of them are real."""
    center = (boxes[:, :2] + boxes[:, 2:]) / 2
    chosen, real = [], []
    reach = REACH if k <= 9 else int(np.ceil(np.sqrt(k / ANCHORS_PER_CELL)))
    for level, stride in enumerate(STRIDES):
        rows, columns = grid.height // stride, grid.width // stride
        window = [np.minimum(2 * reach + 1, side) for side in (columns, rows)]
        corner = [
            np.clip(np.rint(center[:, axis] / stride).astype(int) - reach, 0, side - window[axis])
            for axis, side in enumerate((columns, rows))
        ]
        dy, dx = (v.ravel() for v in np.mgrid[: window[1], : window[0]])
        x, y = corner[0][:, None] + dx, corner[1][:, None] + dy
        distance = (x * stride - center[:, :1]) ** 2 + (y * stride - center[:, 1:]) ** 2
        distance = np.repeat(distance, ANCHORS_PER_CELL, 1)
        index = (y * columns + x)[..., None] * ANCHORS_PER_CELL + np.arange(ANCHORS_PER_CELL)
        index = index.reshape(len(boxes), -1) + grid.first[level]
        # A stable order makes the ties (two anchors share each center) the same everywhere.
        order = np.argsort(distance, 1, kind="stable")[:, :k]
        missing = k - order.shape[1]
        picked = np.take_along_axis(index, order, 1)
        chosen.append(np.pad(picked, ((0, 0), (0, missing))))
        real.append(np.pad(np.ones_like(picked, bool), ((0, 0), (0, missing))))
    return np.concatenate(chosen, 1), np.concatenate(real, 1)


@dataclass
class Targets:
    """`anchor[i]` of image `image[i]` learns face `face[i]`; `ignored` [B, A] anchors count neither way."""

    image: np.ndarray
    anchor: np.ndarray
    face: np.ndarray
    ignored: np.ndarray


def resolve(grid: Grid, images: int, owner, faces, anchors, overlap, kept) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """An anchor that several faces want goes to the one it overlaps most."""
    key = owner[faces] * len(grid) + anchors
    faces, anchors, overlap, key = faces[kept], anchors[kept], overlap[kept], key[kept]
    order = np.lexsort((faces, -overlap, key))
    key, first = np.unique(key[order], return_index=True)
    return key // len(grid), key % len(grid), faces[order][first]


def ignored_anchors(grid: Grid, images: int, owner: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Anchors whose center is inside an ignored face, or which overlap it by a half."""
    ignored = np.zeros((images, len(grid)), bool)
    anchors = grid.boxes()
    for image, box in zip(owner, boxes):
        inside = ((grid.centers >= box[:2]) & (grid.centers <= box[2:])).all(1)
        ignored[image] |= inside | (paired_iou(anchors, box) > 0.5)
    return ignored


def atss(grid, images, owner, boxes, ignore, k: int = 9, nearest_if_none: bool = True) -> Targets:
    """ATSS: of the k nearest anchors per stride, those whose overlap reaches mean + deviation and whose center is in the face.

    `owner[i]` is the image of `boxes[i]`. A face smaller than a cell may hold no center: `nearest_if_none` gives it its best
    candidate, else it would be taught as background.
    """
    taught = np.flatnonzero(~ignore)
    ignored = ignored_anchors(grid, images, owner[ignore], boxes[ignore])
    if not len(taught):
        none = np.zeros(0, int)
        return Targets(none, none, none, ignored)
    box = boxes[taught]
    anchors, real = nearest_anchors(grid, box, k)
    overlap = np.where(real, paired_iou(grid.boxes(anchors), box[:, None]), 0)
    count = real.sum(1)
    mean = overlap.sum(1) / count
    deviation = np.sqrt(np.where(real, (overlap - mean[:, None]) ** 2, 0).sum(1) / np.maximum(count - 1, 1))
    center = grid.centers[anchors]
    margin = np.concatenate([center - box[:, None, :2], box[:, None, 2:] - center], -1).min(-1)
    kept = real & (overlap >= (mean + deviation)[:, None]) & (margin > 0.01)
    if nearest_if_none:
        lonely = np.flatnonzero(~kept.any(1))
        kept[lonely, np.where(real, overlap, -1)[lonely].argmax(1)] = True
    faces = np.broadcast_to(taught[:, None], anchors.shape)
    return Targets(*resolve(grid, images, owner, faces, anchors, overlap, kept), ignored)


def by_overlap(grid, images, owner, boxes, ignore, positive: float = 0.5, negative: float | None = None) -> Targets:
    """Anchors that overlap a face by `positive`; every face keeps its best anchor; from `negative` up to `positive` they are ignored."""
    negative = positive if negative is None else negative
    taught = np.flatnonzero(~ignore)
    ignored = ignored_anchors(grid, images, owner[ignore], boxes[ignore])
    anchors = grid.boxes()
    rows = []
    for face in taught:
        overlap = paired_iou(anchors, boxes[face])
        between = (overlap >= negative) & (overlap < positive)
        ignored[owner[face]] |= between
        take = np.flatnonzero((overlap >= positive) | (overlap == overlap.max()))
        rows.append((np.full(len(take), face), take, overlap[take]))
    if not rows:
        none = np.zeros(0, int)
        return Targets(none, none, none, ignored)
    faces, chosen, overlap = (np.concatenate(v) for v in zip(*rows))
    return Targets(*resolve(grid, images, owner, faces, chosen, overlap, np.ones(len(faces), bool)), ignored)
