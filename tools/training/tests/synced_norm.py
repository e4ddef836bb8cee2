"""Under torchrun: each process holds its part of a batch; outputs and gradients must be those of the whole."""

import torch

from facedet_training.synced import sync_norms


def main():
    torch.distributed.init_process_group("gloo")
    rank = torch.distributed.get_rank()
    generator = torch.Generator().manual_seed(0)
    x, gradient = (torch.randn(4, 8, 5, 3, dtype=torch.float64, generator=generator) * 3 + 1 for _ in range(2))
    whole, synced = torch.nn.BatchNorm2d(8).double(), sync_norms(torch.nn.Sequential(torch.nn.BatchNorm2d(8).double()))[0]
    torch.nn.init.normal_(whole.weight, generator=generator)
    synced.load_state_dict(whole.state_dict())
    mine = slice(rank * 2, rank * 2 + 2)
    a, b = x.clone().requires_grad_(True), x[mine].clone().requires_grad_(True)
    expected, found = whole(a), synced(b)
    expected.backward(gradient)
    found.backward(gradient[mine])
    for p in synced.parameters():
        torch.distributed.all_reduce(p.grad)
    pairs = [(found, expected[mine]), (b.grad, a.grad[mine]), (synced.weight.grad, whole.weight.grad), (synced.bias.grad, whole.bias.grad)]
    pairs += [(synced.running_mean, whole.running_mean), (synced.running_var, whole.running_var)]
    for one, other in pairs:
        assert torch.allclose(one, other, rtol=1e-10, atol=1e-12), (one - other).abs().max()
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
