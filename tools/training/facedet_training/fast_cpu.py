"""The same network with less waiting for memory on a CPU: norm + ReLU by a kernel of its own, 1×1 convolutions as matrix
products. Weights, results (to rounding) and state dict are those of the plain modules.

Used for training on one thread a process; without a C compiler, on a GPU or in evaluation the plain modules run.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import re
import shutil
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SOURCE = Path(__file__).parent / "native" / "kernels.c"


@lru_cache(1)
def kernels() -> ctypes.CDLL | None:
    """Compiled once for this machine; None where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return None
    flags = ["-O3", "-march=native", "-ffast-math", "-shared", "-fPIC"]
    mark = hashlib.sha256(SOURCE.read_bytes() + repr(flags).encode() + processor()).hexdigest()[:16]
    folder = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "facedet-training"
    library = folder / f"kernels-{mark}.so"
    if not library.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as own:
            made = Path(own) / "kernels.so"
            if subprocess.run([compiler, *flags, str(SOURCE), "-o", str(made), "-lm"], capture_output=True).returncode:
                return None
            # Several processes may compile at once: each moves a whole file into place.
            os.replace(made, library)
    return ctypes.CDLL(str(library))


def processor() -> bytes:
    """What this machine's instructions are: a home folder may be seen from several."""
    listed = Path("/proc/cpuinfo")
    flags = re.search(rb"^(flags|Features)\s*:.*$", listed.read_bytes(), re.MULTILINE) if listed.exists() else None
    return flags[0] if flags else repr(platform.uname()).encode()


def pointer(tensor: Tensor) -> ctypes.c_void_p:
    return ctypes.c_void_p(tensor.data_ptr())


def channels_last(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)


class NormRelu(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias, running_mean, running_var, eps, momentum, relu):
        x = channels_last(x)
        y = torch.empty_like(x)
        mean, inverse = torch.empty_like(weight), torch.empty_like(weight)
        rows = x.numel() // x.shape[1]
        kernels().norm_relu_forward(
            pointer(x),
            pointer(y),
            ctypes.c_long(rows),
            x.shape[1],
            pointer(weight),
            pointer(bias),
            ctypes.c_float(eps),
            ctypes.c_float(momentum),
            pointer(running_mean),
            pointer(running_var),
            pointer(mean),
            pointer(inverse),
            int(relu),
        )
        ctx.save_for_backward(x, weight, bias, mean, inverse)
        ctx.relu = relu
        return y

    @staticmethod
    def backward(ctx, dy):
        x, weight, bias, mean, inverse = ctx.saved_tensors
        dy = channels_last(dy)
        dx, dweight, dbias = torch.empty_like(x), torch.empty_like(weight), torch.empty_like(bias)
        rows = x.numel() // x.shape[1]
        kernels().norm_relu_backward(
            pointer(x),
            pointer(dy),
            pointer(dx),
            ctypes.c_long(rows),
            x.shape[1],
            pointer(weight),
            pointer(bias),
            pointer(mean),
            pointer(inverse),
            pointer(dweight),
            pointer(dbias),
            int(ctx.relu),
        )
        return dx, dweight, dbias, None, None, None, None, None


def convolve(conv: nn.Conv2d, x: Tensor) -> Tensor:
    if conv.kernel_size == (1, 1) and conv.groups == 1 and conv.stride == (1, 1):
        n, c, h, w = x.shape
        rows = channels_last(x).permute(0, 2, 3, 1).reshape(-1, c)
        y = F.linear(rows, conv.weight.flatten(1), conv.bias)
        return y.view(n, h, w, -1).permute(0, 3, 1, 2)
    return conv(x)


def fits(x: Tensor) -> bool:
    return x.device.type == "cpu" and x.dtype == torch.float32 and torch.is_grad_enabled() and kernels() is not None


class FastSequential(nn.Sequential):
    """Runs convolution → BatchNorm → ReLU by the kernels while training, else as it always did."""

    def forward(self, x: Tensor) -> Tensor:
        if not (self.training and fits(x)):
            return super().forward(x)
        layers, i = list(self), 0
        while i < len(layers):
            layer = layers[i]
            if isinstance(layer, nn.Conv2d):
                x = convolve(layer, x)
            elif isinstance(layer, nn.BatchNorm2d) and layer.num_features % 8 == 0 and layer.num_features <= 2048:
                relu = i + 1 < len(layers) and isinstance(layers[i + 1], nn.ReLU)
                layer.num_batches_tracked.add_(1)
                x = NormRelu.apply(x, layer.weight, layer.bias, layer.running_mean, layer.running_var, layer.eps, layer.momentum, relu)
                i += relu
            else:
                x = layer(x)
            i += 1
        return x


def accelerate(model: nn.Module) -> nn.Module:
    """In place; the state dict keeps its names."""
    if kernels() is not None:
        for module in model.modules():
            if type(module) is nn.Sequential:
                module.__class__ = FastSequential
    return model
