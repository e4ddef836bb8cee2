"""SGD as the paper has it, AdamW, and Muon for runs whose budget is far below the paper's."""

from __future__ import annotations

import torch
from torch import Tensor, nn


@torch.no_grad()
def orthogonalise(matrix: Tensor, steps: int = 5) -> Tensor:
    """The nearest matrix whose singular values are about one, by Newton and Schulz's iteration with Muon's coefficients."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix / (matrix.norm() + 1e-7)
    turned = x.shape[0] > x.shape[1]
    if turned:
        x = x.T
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if turned else x


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalised matrix by matrix; convolutions count as [outputs, inputs · kernel].

    Of several processes each turns a part of the matrices (`rank` of `count`), and `gather` adds the parts up in place.
    """

    def __init__(self, params, lr: float = 0.02, momentum: float = 0.95, weight_decay: float = 0.0, rank=0, count=1, gather=None):
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        self.rank, self.count, self.gather = rank, count, gather

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            updates = []
            for i, p in enumerate(params):
                state = self.state[p]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(p)
                kept = state["momentum"]
                kept.lerp_(p.grad, 1 - group["momentum"])
                if i % self.count == self.rank:
                    update = p.grad.lerp(kept, group["momentum"]).flatten(1)
                    update = orthogonalise(update) * max(1, update.shape[0] / update.shape[1]) ** 0.5
                    updates.append(update.view_as(p).contiguous())
                else:
                    updates.append(torch.zeros(p.shape, device=p.device))
            if self.gather:
                self.gather(updates)
            for p, update in zip(params, updates):
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(update, alpha=-group["lr"])


def optimizers(
    model: nn.Module, kind: str, lr: float, weight_decay: float, muon_lr: float = 0.02, **sharing
) -> list[torch.optim.Optimizer]:
    """Norms and biases are not decayed."""
    decayed = [p for p in model.parameters() if p.ndim > 1]
    plain = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}]
    if kind == "sgd":
        return [torch.optim.SGD(groups, lr=lr, momentum=0.9)]
    if kind == "adamw":
        return [torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.99))]
    if kind == "muon":
        # Depthwise kernels are 3×3 a channel, the last layers' rows answer for single numbers: neither is a matrix in Muon's sense.
        last = {
            id(p) for head in model.heads for part in (head.score, head.box, head.points) if part is not None for p in part.parameters()
        }
        matrices = [p for p in decayed if p.shape[1] > 1 and id(p) not in last]
        chosen = {id(p) for p in matrices}
        rest = [p for p in decayed if id(p) not in chosen]
        groups = [{"params": rest, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}]
        return [Muon(matrices, lr=muon_lr, weight_decay=weight_decay, **sharing), torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.99))]
    raise ValueError(f"expected an optimizer sgd, adamw or muon, found {kind!r}")
