"""Losses against numbers worked out by hand and against finite differences."""

import math

import numpy as np
import pytest
import torch

from facedet_training.losses import box_iou, diou_loss, focal_loss, quality_focal_loss, smooth_l1


def box(*rows):
    return torch.tensor(rows, dtype=torch.float64)


def test_overlap_of_boxes_worked_out_by_hand():
    a = box([0, 0, 2, 2], [0, 0, 2, 2], [0, 0, 1, 1], [0, 0, 4, 4])
    b = box([1, 1, 3, 3], [0, 0, 2, 2], [2, 2, 3, 3], [1, 1, 3, 3])
    assert torch.allclose(box_iou(a, b), torch.tensor([1 / 7, 1, 0, 0.25], dtype=torch.float64))


def test_a_box_turned_inside_out_overlaps_nothing():
    assert box_iou(box([3, 3, 1, 1]), box([0, 0, 4, 4])).item() == 0


def test_diou_worked_out_by_hand():
    # Overlap 1/7, centers (1, 1) and (2, 2), enclosing 3 × 3.
    assert diou_loss(box([0, 0, 2, 2]), box([1, 1, 3, 3])).item() == pytest.approx(1 - 1 / 7 + 2 / 18)
    assert diou_loss(box([1, 1, 3, 3]), box([1, 1, 3, 3])).item() == pytest.approx(0)
    # Without overlap only the distance says which way is better.
    near, far = (diou_loss(box([0, 0, 1, 1]), box([x, 0, x + 1, 1])).item() for x in (2, 8))
    assert near == pytest.approx(1 + 4 / 10) and far == pytest.approx(1 + 64 / 82)


def test_quality_focal_worked_out_by_hand():
    logit = math.log(0.75 / 0.25)  # a score of 0.75
    loss = quality_focal_loss(torch.tensor([logit, logit, logit]), torch.tensor([0.25, 0.75, 0.0]))
    cross = -(0.25 * math.log(0.75) + 0.75 * math.log(0.25))
    assert loss.tolist() == pytest.approx([0.25 * cross, 0, 0.75**2 * -math.log(0.25)], abs=1e-6)


def test_focal_worked_out_by_hand():
    logit = math.log(0.9 / 0.1)
    loss = focal_loss(torch.tensor([logit, logit]), torch.tensor([1.0, 0.0]))
    assert loss.tolist() == pytest.approx([0.25 * 0.01 * -math.log(0.9), 0.75 * 0.81 * -math.log(0.1)], abs=1e-6)


def test_smooth_l1_worked_out_by_hand():
    loss = smooth_l1(torch.tensor([0.0, 0.05, 1.0]), torch.zeros(3), beta=1 / 9)
    assert loss.tolist() == pytest.approx([0, 0.05**2 * 9 / 2, 1 - 1 / 18])


def spread_boxes(generator, n):
    corner = torch.from_numpy(generator.uniform(0, 4, (n, 2)))
    return torch.cat([corner, corner + torch.from_numpy(generator.uniform(1, 4, (n, 2)))], 1)


@pytest.mark.parametrize("name", ["diou", "quality", "focal", "smooth"])
def test_gradients_agree_with_finite_differences(name):
    generator = np.random.default_rng(3)
    if name == "diou":
        inputs, target, loss = spread_boxes(generator, 6), spread_boxes(generator, 6), diou_loss
    else:
        inputs = torch.from_numpy(generator.normal(0, 2, 8))
        if name == "focal":
            target, loss = torch.tensor([0.0, 1.0] * 4, dtype=torch.float64), focal_loss
        else:
            target = torch.from_numpy(generator.uniform(0, 1, 8))
            loss = quality_focal_loss if name == "quality" else lambda a, b: smooth_l1(a, b, 1 / 9)
    inputs.requires_grad_(True)
    assert torch.autograd.gradcheck(lambda x: loss(x, target).sum(), (inputs,), eps=1e-6, atol=1e-5)


def test_the_whole_loss_agrees_with_finite_differences():
    """Targets that depend on the guess (quality, weights) are constants to the gradient: they are frozen here, too."""
    from facedet_training.assign import Grid, atss
    from facedet_training.batches import Batch
    from facedet_training.criterion import LossOptions, loss_parts
    from facedet_training.losses import box_iou as overlap

    grid = Grid(64, 64)
    boxes = np.array([[8, 8, 30, 36]], np.float32)
    points = np.array([[[14, 18], [24, 18], [19, 24], [15, 30], [23, 30]]], np.float32)
    targets = atss(grid, 1, np.zeros(1, int), boxes, np.zeros(1, bool))
    batch = Batch(torch.zeros(1), boxes, points, targets)
    generator = torch.Generator().manual_seed(0)
    count = len(grid)
    outputs = [torch.randn(1, count, k, generator=generator, dtype=torch.float32) * 0.3 for k in (1, 4, 10)]
    outputs[1] += 1.5
    for o in outputs:
        o.requires_grad_(True)
    parts = loss_parts([[o] for o in outputs], batch, grid, LossOptions())
    counts = parts.counts().detach()
    loss, _ = parts.total(counts, LossOptions())
    loss.backward()
    anchors = torch.from_numpy(targets.anchor)
    with torch.no_grad():
        stride = torch.from_numpy(grid.strides)[anchors, None]
        center = torch.from_numpy(grid.centers)[anchors] / stride
        wanted = torch.from_numpy(boxes[targets.face]) / stride
        guess = outputs[1][0, anchors]
        quality = overlap(torch.cat([center - guess[:, :2], center + guess[:, 2:]], 1), wanted)
        weight = outputs[0][0, anchors, 0].sigmoid()

    def frozen(scores, distances, landmarks):
        label = torch.zeros(1, count, dtype=torch.float64)
        label[0, anchors] = quality.double()
        score = quality_focal_loss(scores[..., 0], label).sum() / counts[0]
        g = distances[0, anchors]
        corners = torch.cat([center - g[:, :2], center + g[:, 2:]], 1)
        box_sum = (diou_loss(corners, wanted.double()) * weight).sum() / counts[1]
        offset = (torch.from_numpy(points[targets.face]) / stride[..., None] - center[:, None]).flatten(1)
        point = (smooth_l1(landmarks[0, anchors], offset.double(), 1 / 9) * weight[:, None]).sum() / counts[2]
        return score + 2 * box_sum + 0.1 * point

    doubles = [o.detach().double() for o in outputs]
    assert frozen(*doubles).item() == pytest.approx(loss.item(), rel=1e-5)
    picks = [(0, 0, int(anchors[0]), 0), (0, 0, 5, 0), (1, 0, int(anchors[0]), 2), (2, 0, int(anchors[-1]), 7)]
    for kind, *index in picks:
        moved = []
        for sign in (1, -1):
            shifted = [d.clone() for d in doubles]
            shifted[kind][tuple(index)] += sign * 1e-5
            moved.append(frozen(*shifted).item())
        assert outputs[kind].grad[tuple(index)].item() == pytest.approx((moved[0] - moved[1]) / 2e-5, rel=1e-3, abs=1e-6)
