"""SCRFD's four published networks: backbone, PAFPN neck and head (arXiv:2105.04714, section 3.3 and its released configs)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STRIDES = (8, 16, 32)
ANCHOR_SIZES = ((16, 32), (64, 128), (256, 512))
ANCHORS_PER_CELL = 2
POINTS = 5
# -log((1 - 0.01) / 0.01): a new network gives each anchor a score of 0.01, so that the first steps are not all background.
CLASS_BIAS = -4.595


@dataclass(frozen=True)
class Architecture:
    """The numbers that tell the four networks apart."""

    block: str
    blocks: tuple[int, ...]
    planes: tuple[int, ...]
    neck: int
    head_convs: int
    head_channels: int
    head_depthwise: bool = False
    head_norm: str = "gn"
    groups: int = 16
    shared: bool = True
    scaled: bool = True
    landmarks: bool = False
    stem: int = 16


ARCHITECTURES = {
    "scrfd_0.5g": Architecture("depthwise", (2, 3, 2, 6), (16, 40, 72, 152, 288), 16, 2, 64, head_depthwise=True),
    "scrfd_2.5g": Architecture("basic", (3, 5, 3, 2), (24, 48, 48, 80), 24, 2, 64, stem=24),
    "scrfd_10g": Architecture("basic", (3, 4, 2, 3), (56, 88, 88, 224), 56, 3, 80, stem=56),
    "scrfd_34g": Architecture("bottleneck", (17, 16, 2, 8), (56, 56, 144, 184), 128, 2, 256, groups=32, stem=56),
}


def architecture(name: str, **overrides) -> Architecture:
    """`scrfd_2.5g`, or with landmarks `scrfd_2.5g_kps`: those have a head of its own for each stride, with BatchNorm."""
    base = name.removesuffix("_kps")
    if base not in ARCHITECTURES:
        raise ValueError(f"expected a model among {', '.join(ARCHITECTURES)} (each also with _kps), found {name!r}")
    chosen = ARCHITECTURES[base]
    if name.endswith("_kps"):
        # Of the official models with landmarks the smallest alone has no factor on its distances.
        chosen = replace(chosen, head_norm="bn", shared=False, scaled=base != "scrfd_0.5g", landmarks=True)
    return replace(chosen, **overrides)


def conv_bn(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1, act: bool = True) -> nn.Sequential:
    layers = [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers, nn.ReLU(inplace=True)) if act else nn.Sequential(*layers)


def depthwise(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(conv_bn(inputs, inputs, 3, stride, groups=inputs), conv_bn(inputs, outputs, 1))


class Backbone(nn.Module):
    """A stem at stride 2 or 4, then four stages, of which the last three are given out: strides 8, 16 and 32."""

    stem: nn.Module
    stages: nn.ModuleList

    def forward(self, x: Tensor) -> list[Tensor]:
        x = self.stages[0](self.stem(x))
        found = []
        for stage in self.stages[1:]:
            x = stage(x)
            found.append(x)
        return found


class MobileNet(Backbone):
    """MobileNetV1: a stem of stride 2, then four stages of depthwise blocks; returns strides 8, 16, 32."""

    def __init__(self, arch: Architecture):
        super().__init__()
        planes = arch.planes
        self.stem = nn.Sequential(conv_bn(3, arch.stem, 3, 2), depthwise(arch.stem, planes[0], 1))
        self.stages = nn.ModuleList()
        for i, count in enumerate(arch.blocks):
            blocks = [depthwise(planes[i] if n == 0 else planes[i + 1], planes[i + 1], 2 if n == 0 else 1) for n in range(count)]
            self.stages.append(nn.Sequential(*blocks))
        self.channels = planes[2:]


class Residual(nn.Module):
    """ResNetV1e's block: a stride on the shortcut is a 2×2 average, so that no pixel is thrown away."""

    def __init__(self, inputs: int, planes: int, stride: int, bottleneck: bool):
        super().__init__()
        outputs = planes * 4 if bottleneck else planes
        if bottleneck:
            layers = [conv_bn(inputs, planes, 1), conv_bn(planes, planes, 3, stride), conv_bn(planes, outputs, 1, act=False)]
        else:
            layers = [conv_bn(inputs, planes, 3, stride), conv_bn(planes, planes, 3, act=False)]
        self.body = nn.Sequential(*layers)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            pool = [nn.AvgPool2d(2, 2, ceil_mode=True, count_include_pad=False)] if stride != 1 else []
            self.shortcut = nn.Sequential(*pool, conv_bn(inputs, outputs, 1, act=False))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.body(x) + self.shortcut(x))


class ResNet(Backbone):
    """ResNetV1e: a stem of three convolutions and a pool, four stages; returns strides 8, 16, 32."""

    def __init__(self, arch: Architecture):
        super().__init__()
        half = arch.stem // 2
        self.stem = nn.Sequential(conv_bn(3, half, 3, 2), conv_bn(half, half, 3), conv_bn(half, arch.stem, 3), nn.MaxPool2d(2, 2))
        bottleneck = arch.block == "bottleneck"
        inputs = arch.stem
        self.stages = nn.ModuleList()
        for i, (count, planes) in enumerate(zip(arch.blocks, arch.planes)):
            blocks = []
            for n in range(count):
                blocks.append(Residual(inputs, planes, 2 if n == 0 and i > 0 else 1, bottleneck))
                inputs = planes * 4 if bottleneck else planes
            self.stages.append(nn.Sequential(*blocks))
        self.channels = tuple(p * 4 if bottleneck else p for p in arch.planes[1:])


class PathAggregation(nn.Module):
    """PAFPN without norm or activation: coarse to fine by nearest up-sampling, then fine to coarse by strided convolutions."""

    def __init__(self, inputs: tuple[int, ...], width: int):
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(c, width, 1) for c in inputs)
        self.smooth = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in inputs)
        self.down = nn.ModuleList(nn.Conv2d(width, width, 3, 2, 1) for _ in inputs[1:])
        self.out = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in inputs[1:])

    def forward(self, features: list[Tensor]) -> list[Tensor]:
        levels = [conv(x) for conv, x in zip(self.lateral, features)]
        for i in range(len(levels) - 1, 0, -1):
            levels[i - 1] = levels[i - 1] + F.interpolate(levels[i], size=levels[i - 1].shape[2:], mode="nearest")
        levels = [conv(x) for conv, x in zip(self.smooth, levels)]
        for i, conv in enumerate(self.down):
            levels[i + 1] = levels[i + 1] + conv(levels[i])
        return [levels[0], *(conv(x) for conv, x in zip(self.out, levels[1:]))]


def norm_layer(kind: str, channels: int, groups: int) -> nn.Module:
    if kind == "bn":
        return nn.BatchNorm2d(channels)
    if kind == "gn":
        return nn.GroupNorm(groups, channels)
    raise ValueError(f"expected head_norm bn or gn, found {kind!r}")


class Head(nn.Module):
    """A tower of convolutions, then class, distances and landmarks by one convolution each."""

    def __init__(self, arch: Architecture):
        super().__init__()
        layers: list[nn.Module] = []
        inputs, width = arch.neck, arch.head_channels

        def add(conv: nn.Conv2d) -> None:
            layers.extend([conv, norm_layer(arch.head_norm, conv.out_channels, arch.groups), nn.ReLU(inplace=True)])

        for _ in range(arch.head_convs):
            if arch.head_depthwise:
                add(nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False))
                add(nn.Conv2d(inputs, width, 1, bias=False))
            else:
                add(nn.Conv2d(inputs, width, 3, padding=1, bias=False))
            inputs = width
        self.tower = nn.Sequential(*layers)
        self.score = nn.Conv2d(width, ANCHORS_PER_CELL, 3, padding=1)
        self.box = nn.Conv2d(width, ANCHORS_PER_CELL * 4, 3, padding=1)
        self.points = nn.Conv2d(width, ANCHORS_PER_CELL * POINTS * 2, 3, padding=1) if arch.landmarks else None

    def forward(self, x: Tensor) -> list[Tensor]:
        x = self.tower(x)
        parts = [part for part in (self.score, self.box, self.points) if part is not None]
        # One convolution instead of three: the same numbers, two passes over the features less.
        joined = F.conv2d(x, torch.cat([p.weight for p in parts]), torch.cat([p.bias for p in parts]), padding=1)
        return list(joined.split([p.out_channels for p in parts], 1))


class Scrfd(nn.Module):
    """Scores (logits), distances and landmark offsets in strides, each a list over the strides of [B, N, k]; rows go by y, x, anchor."""

    def __init__(self, arch: Architecture):
        super().__init__()
        self.arch = arch
        self.backbone = MobileNet(arch) if arch.block == "depthwise" else ResNet(arch)
        self.neck = PathAggregation(self.backbone.channels, arch.neck)
        self.heads = nn.ModuleList(Head(arch) for _ in ([0] if arch.shared else STRIDES))
        # A factor on each stride's distances, which a head that all strides share needs.
        self.scales = nn.Parameter(torch.ones(len(STRIDES))) if arch.scaled else None
        self.reset()

    def reset(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        for module in self.neck.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.xavier_uniform_(module.weight)
        for head in self.heads:
            for module in head.tower:
                if isinstance(module, nn.Conv2d) and module.groups == 1:
                    nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
            for part in (head.score, head.box, head.points):
                if part is not None:
                    nn.init.normal_(part.weight, std=0.01)
            nn.init.constant_(head.score.bias, CLASS_BIAS)
            # The first guess of a box is its anchor: half of 2 strides, half of 4.
            with torch.no_grad():
                head.box.bias.copy_(torch.tensor([1.0] * 4 + [2.0] * 4))

    def forward(self, image: Tensor) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        found: tuple[list[Tensor], ...] = ([], [], [])
        for i, level in enumerate(self.neck(self.backbone(image))):
            outputs = self.heads[0 if self.arch.shared else i](level)
            if self.scales is not None:
                outputs[1] = outputs[1] * self.scales[i]
            for kind, numbers, out in zip(found, (1, 4, POINTS * 2), outputs):
                kind.append(out.permute(0, 2, 3, 1).reshape(out.shape[0], -1, numbers))
        return found


def build(name: str, **overrides) -> Scrfd:
    return Scrfd(architecture(name, **overrides))


def parameter_count(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def operations(model: Scrfd, height: int = 480, width: int = 640) -> int:
    """Operations for one image as the published figures count them (mmcv's counter, which SCRFD's authors used).

    A convolution counts its multiply-adds and an addition for each bias, a norm two operations a value, a ReLU, a pool and an
    up-sampling one.
    """
    total = 0

    def count(module: nn.Module, inputs, output: Tensor) -> None:
        nonlocal total
        if isinstance(module, nn.Conv2d):
            kernel = module.kernel_size[0] * module.kernel_size[1]
            total += output.numel() * (kernel * module.in_channels // module.groups + (module.bias is not None))
        elif isinstance(module, (nn.BatchNorm2d, nn.GroupNorm)):
            total += 2 * output.numel()
        elif isinstance(module, nn.ReLU):
            total += output.numel()
        elif isinstance(module, (nn.MaxPool2d, nn.AvgPool2d)):
            total += inputs[0].numel()
        elif isinstance(module, Residual):
            total += output.numel()

    hooks = [m.register_forward_hook(count) for m in model.modules()]
    was = model.training
    model.eval()
    with torch.no_grad():
        model(torch.zeros(1, 3, height, width))
    model.train(was)
    for hook in hooks:
        hook.remove()
    # The joined convolution of the heads passes by the hooks.
    for i, stride in enumerate(STRIDES):
        head = model.heads[0 if model.arch.shared else i]
        outputs = sum(p.out_channels for p in (head.score, head.box, head.points) if p is not None)
        total += (height // stride) * (width // stride) * outputs * (head.score.in_channels * 9 + 1)
    return total
