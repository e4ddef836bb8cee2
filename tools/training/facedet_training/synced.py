"""BatchNorm over the images of all processes: torch's own needs a GPU, this runs anywhere."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.distributed.nn.functional import all_reduce


class SyncedBatchNorm(nn.BatchNorm2d):
    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        # The mean first: a variance as the difference of two large sums would lose its digits.
        sums = all_reduce(torch.cat([x.sum((0, 2, 3)), x.new_tensor([float(x.numel() // x.shape[1])])]))
        total = sums[-1].detach()
        mean = sums[:-1] / total
        centered = x - mean[:, None, None]
        variance = all_reduce(centered.pow(2).sum((0, 2, 3))) / total
        with torch.no_grad():
            self.num_batches_tracked.add_(1)
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * total / (total - 1).clamp(min=1), self.momentum)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return centered * scale[:, None, None] + self.bias[:, None, None]


def sync_norms(model: nn.Module) -> nn.Module:
    """In place; the state dict keeps its names."""
    for module in model.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = SyncedBatchNorm
    return model
