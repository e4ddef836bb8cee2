"""From a network's outputs and a batch's targets to the training loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .assign import Grid
from .batches import Batch
from .losses import box_iou, diou_loss, focal_loss, quality_focal_loss, smooth_l1


@dataclass(frozen=True)
class LossOptions:
    """`kind` is `gfl` (quality focal + DIoU, the paper's) or `focal` (focal + smooth-L1 on the distances)."""

    kind: str = "gfl"
    beta: float = 2.0
    box_weight: float = 2.0
    landmark_weight: float = 0.1
    landmark_beta: float = 1 / 9


@dataclass
class Parts:
    """Sums over this process's images, and what they are to be divided by (over all processes)."""

    score: Tensor
    box: Tensor
    landmarks: Tensor
    positives: Tensor
    weight: Tensor
    points: Tensor

    def counts(self) -> Tensor:
        return torch.stack([self.positives, self.weight, self.points])

    def total(self, counts: Tensor, options: LossOptions) -> tuple[Tensor, dict[str, Tensor]]:
        positives, weight, points = counts.clamp(min=1)
        score, box, landmarks = self.score / positives, self.box / weight, self.landmarks / points
        loss = score + options.box_weight * box + options.landmark_weight * landmarks
        return loss, {"score": score.detach(), "box": box.detach(), "landmarks": landmarks.detach()}


def loss_parts(outputs, batch: Batch, grid: Grid, options: LossOptions) -> Parts:
    scores, distances, points = (torch.cat(o, 1).float() if o else None for o in outputs)
    device = scores.device
    logits = scores[..., 0]
    targets = batch.targets
    image, anchor = (torch.from_numpy(np.ascontiguousarray(v)).to(device) for v in (targets.image, targets.anchor))
    stride = torch.from_numpy(grid.strides).to(device)[anchor, None]
    center = torch.from_numpy(grid.centers).to(device)[anchor]
    # Boxes are compared in strides, so that a face weighs the same on every level.
    center = center / stride
    box = torch.from_numpy(batch.boxes[targets.face]).to(device) / stride
    guess = distances[image, anchor]
    corners = torch.cat([center - guess[:, :2], center + guess[:, 2:]], 1)
    zero = logits.sum() * 0

    label = torch.zeros_like(logits)
    if options.kind == "gfl":
        label[image, anchor] = box_iou(corners.detach(), box).clamp(min=0)
        per_anchor = quality_focal_loss(logits, label, options.beta)
        weight = logits[image, anchor].detach().sigmoid()
        box_sum = (diou_loss(corners, box) * weight).sum() if len(image) else zero
    elif options.kind == "focal":
        label[image, anchor] = 1
        per_anchor = focal_loss(logits, label)
        weight = torch.ones(len(image), device=device)
        wanted = torch.cat([center - box[:, :2], box[:, 2:] - center], 1)
        box_sum = smooth_l1(guess, wanted, options.landmark_beta).sum() if len(image) else zero
    else:
        raise ValueError(f"expected a loss kind gfl or focal, found {options.kind!r}")
    counted = torch.from_numpy(~targets.ignored).to(device)
    counted[image, anchor] = True
    score_sum = (per_anchor * counted).sum()

    point_sum, point_weight = zero, torch.zeros((), device=device)
    if points is not None and options.landmark_weight > 0 and len(image):
        wanted = torch.from_numpy(batch.landmarks[targets.face]).to(device)
        known = ~torch.isnan(wanted).any(2)
        offset = ((torch.nan_to_num(wanted) / stride[..., None]) - center[:, None]).flatten(1)
        per_value = smooth_l1(points[image, anchor], offset, options.landmark_beta)
        mask = known.repeat_interleave(2, 1) * weight[:, None]
        point_sum = (per_value * mask).sum()
        point_weight = (known.any(1) * weight).sum()
    positives = torch.tensor(float(len(image)), device=device)
    return Parts(score_sum, box_sum, point_sum, positives, weight.sum(), point_weight)
