"""ATSS and overlap matching against a plain reading of the paper and cases worked out by hand."""

import numpy as np
import pytest

from facedet_training.assign import Grid, atss, by_overlap, paired_iou


def plain_atss(grid, boxes, k=9):
    """The paper's algorithm 1, one face and one anchor at a time."""
    anchors = grid.boxes()
    best = {}
    for face, box in enumerate(boxes):
        center = (box[:2] + box[2:]) / 2
        candidates = []
        for level in range(3):
            rows = range(grid.first[level], grid.first[level + 1])
            near = sorted(rows, key=lambda a: (((grid.centers[a] - center) ** 2).sum(), a))
            candidates += near[:k]
        overlaps = np.array([paired_iou(anchors[a], box) for a in candidates])
        limit = overlaps.mean() + overlaps.std(ddof=1)
        for a, o in zip(candidates, overlaps):
            x, y = grid.centers[a]
            inside = min(x - box[0], y - box[1], box[2] - x, box[3] - y) > 0.01
            if o >= limit and inside and o > best.get(a, (-1, 0))[0]:
                best[a] = (o, face)
    return {a: face for a, (_, face) in best.items()}


def found(targets, image=0):
    mine = targets.image == image
    return dict(zip(targets.anchor[mine].tolist(), targets.face[mine].tolist()))


@pytest.mark.parametrize("seed", range(6))
def test_agrees_with_a_plain_reading_of_the_paper(seed):
    generator = np.random.default_rng(seed)
    grid = Grid(320, 256)
    corner = generator.uniform([0, 0], [280, 220], (12, 2))
    boxes = np.hstack([corner, corner + np.exp(generator.uniform(np.log(6), np.log(200), (12, 2)))]).clip(0, 320).astype(np.float32)
    targets = atss(grid, 1, np.zeros(12, int), boxes, np.zeros(12, bool), nearest_if_none=False)
    assert found(targets) == plain_atss(grid, boxes)


def test_a_face_worked_out_by_hand():
    # A face that is exactly one anchor: 16 × 16 around the cell (5, 4) of stride 8.
    grid = Grid(160, 160)
    box = np.array([[32, 24, 48, 40]], np.float32)
    targets = atss(grid, 1, np.zeros(1, int), box, np.zeros(1, bool))
    own = (4 * 20 + 5) * 2
    assert own in targets.anchor
    assert grid.boxes()[own].tolist() == [32, 24, 48, 40]
    # Its neighbors overlap by (8 · 16) / (2 · 256 - 128) = 1/3, its larger twin by a quarter.
    assert paired_iou(grid.boxes()[own + 1], box[0]) == pytest.approx(0.25)
    assert paired_iou(grid.boxes()[own + 2], box[0]) == pytest.approx(1 / 3)


def test_a_face_between_the_cells_gets_its_best_anchor():
    grid = Grid(160, 160)
    box = np.array([[41, 41, 46, 46]], np.float32)  # no multiple of 8 inside
    taught = atss(grid, 1, np.zeros(1, int), box, np.zeros(1, bool))
    assert len(taught.anchor) == 1 and grid.strides[taught.anchor[0]] == 8
    assert len(atss(grid, 1, np.zeros(1, int), box, np.zeros(1, bool), nearest_if_none=False).anchor) == 0


def test_an_anchor_that_two_faces_want_goes_to_the_nearer():
    grid = Grid(160, 160)
    boxes = np.array([[40, 40, 72, 72], [42, 42, 74, 74]], np.float32)
    targets = atss(grid, 1, np.zeros(2, int), boxes, np.zeros(2, bool))
    assert len(set(targets.anchor.tolist())) == len(targets.anchor)
    anchors = grid.boxes(targets.anchor)
    other = 1 - targets.face
    assert (paired_iou(anchors, boxes[targets.face]) >= paired_iou(anchors, boxes[other]) - 1e-6).all()


def test_images_of_a_batch_do_not_mix():
    grid = Grid(160, 160)
    boxes = np.array([[10, 10, 40, 40], [80, 80, 120, 130]], np.float32)
    together = atss(grid, 2, np.array([0, 1]), boxes, np.zeros(2, bool))
    for image in (0, 1):
        alone = atss(grid, 1, np.zeros(1, int), boxes[image : image + 1], np.zeros(1, bool))
        assert sorted(found(together, image)) == sorted(found(alone))


def test_ignored_faces_are_neither_taught_nor_punished():
    grid = Grid(160, 160)
    boxes = np.array([[10, 10, 60, 60]], np.float32)
    targets = atss(grid, 1, np.zeros(1, int), boxes, np.ones(1, bool))
    assert len(targets.anchor) == 0
    inside = ((grid.centers >= 10) & (grid.centers <= 60)).all(1)
    assert targets.ignored[0][inside].all() and not targets.ignored[0].all()


def test_no_faces_at_all():
    targets = atss(Grid(64, 64), 2, np.zeros(0, int), np.zeros((0, 4), np.float32), np.zeros(0, bool))
    assert len(targets.anchor) == 0 and not targets.ignored.any()


def test_matching_by_overlap():
    grid = Grid(160, 160)
    boxes = np.array([[32, 24, 48, 40]], np.float32)
    own = (4 * 20 + 5) * 2
    strict = by_overlap(grid, 1, np.zeros(1, int), boxes, np.zeros(1, bool), positive=0.5)
    assert strict.anchor.tolist() == [own]
    loose = by_overlap(grid, 1, np.zeros(1, int), boxes, np.zeros(1, bool), positive=0.3)
    # The four neighbors at a third are positive now.
    assert sorted(loose.anchor.tolist()) == sorted([own, own - 2, own + 2, own - 40, own + 40])
    band = by_overlap(grid, 1, np.zeros(1, int), boxes, np.zeros(1, bool), positive=0.5, negative=0.3)
    assert band.ignored.sum() == 4
