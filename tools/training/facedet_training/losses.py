"""The losses of SCRFD's recipe and those its ablations compare."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def quality_focal_loss(logits: Tensor, quality: Tensor, beta: float = 2.0) -> Tensor:
    """GFL equation 5: cross-entropy to the box's quality (0 for background), weighted by the distance to it to the power of beta."""
    return F.binary_cross_entropy_with_logits(logits, quality, reduction="none") * (quality - logits.sigmoid()).abs().pow(beta)


def focal_loss(logits: Tensor, label: Tensor, alpha: float = 0.25, gamma: float = 2.0) -> Tensor:
    p = logits.sigmoid()
    missed = label * (1 - p) + (1 - label) * p
    weight = label * alpha + (1 - label) * (1 - alpha)
    return F.binary_cross_entropy_with_logits(logits, label, reduction="none") * weight * missed.pow(gamma)


def box_iou(a: Tensor, b: Tensor, eps: float = 1e-7) -> Tensor:
    """Overlap of paired boxes `x1 y1 x2 y2`."""
    sides = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp(min=0)
    inter = sides[:, 0] * sides[:, 1]
    areas = [(m[:, 2] - m[:, 0]).clamp(min=0) * (m[:, 3] - m[:, 1]).clamp(min=0) for m in (a, b)]
    return inter / (areas[0] + areas[1] - inter).clamp(min=eps)


def diou_loss(predicted: Tensor, target: Tensor, eps: float = 1e-7) -> Tensor:
    """1 - overlap + squared distance of the centers over the squared diagonal of the enclosing box."""
    enclosing = torch.maximum(predicted[:, 2:], target[:, 2:]) - torch.minimum(predicted[:, :2], target[:, :2])
    diagonal = enclosing.pow(2).sum(1).clamp(min=eps)
    center = (predicted[:, :2] + predicted[:, 2:] - target[:, :2] - target[:, 2:]).pow(2).sum(1) / 4
    return 1 - box_iou(predicted, target, eps) + center / diagonal


def smooth_l1(predicted: Tensor, target: Tensor, beta: float) -> Tensor:
    """Element by element; quadratic below `beta`."""
    return F.smooth_l1_loss(predicted, target, beta=beta, reduction="none")
