"""A checkpoint as ONNX: norms folded, dynamic batch and size, outputs as FaceDet's decoder reads them, held against PyTorch."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from .models import STRIDES, Scrfd, build

OPSET = 17
TOLERANCE = 1e-4


def fold_norms(model: nn.Module) -> nn.Module:
    """A copy in which every BatchNorm after a convolution has become part of it."""
    model = copy.deepcopy(model).eval()
    for parent in model.modules():
        if not isinstance(parent, nn.Sequential):
            continue
        for i in range(len(parent) - 1):
            if isinstance(parent[i], nn.Conv2d) and isinstance(parent[i + 1], nn.BatchNorm2d):
                parent[i] = nn.utils.fuse_conv_bn_eval(parent[i], parent[i + 1])
                parent[i + 1] = nn.Identity()
    return model


class Exported(nn.Module):
    """Scores after the sigmoid, distances, landmarks, each by stride."""

    def __init__(self, model: Scrfd):
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        scores, distances, points = self.model(image)
        return (*(s.sigmoid() for s in scores), *distances, *points)


def output_names(landmarks: bool) -> list[str]:
    return [f"{kind}_{stride}" for kind in ("score", "bbox", *(["kps"] if landmarks else [])) for stride in STRIDES]


def load_checkpoint(path: Path) -> Scrfd:
    """The averaged weights of a checkpoint of `train`."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        options, weights = state["options"], state["ema"]
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: expected a checkpoint, found none; `train` writes last.pt into its --output") from None
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path}: expected a checkpoint of `train` with options and ema, found one without {error}") from error
    model = build(options["model"], **options["overrides"])
    # Checkpoints that are kept for long hold half precision.
    model.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in weights.items()})
    return model.eval()


def export_onnx(model: Scrfd, output: Path, size: tuple[int, int] = (640, 640)) -> float:
    """Writes `output`; returns the largest difference to PyTorch over sizes and batches other than the traced one.

    `size` (width, height) is the traced input; any multiple of 32 runs.
    """
    import onnx

    wrapped = Exported(fold_norms(model)).eval()
    names = output_names(model.arch.landmarks)
    dynamic = {"input.1": {0: "batch", 2: "height", 3: "width"}} | {n: {0: "batch", 1: f"rows_{n.split('_')[1]}"} for n in names}
    partial = output.with_name(output.name + ".partial")
    output.parent.mkdir(parents=True, exist_ok=True)
    with torch.no_grad():
        torch.onnx.export(
            wrapped,
            (torch.zeros(1, 3, size[1], size[0]),),
            str(partial),
            input_names=["input.1"],
            output_names=names,
            dynamic_axes=dynamic,
            opset_version=OPSET,
            dynamo=False,
        )
    document = onnx.load(str(partial))
    onnx.checker.check_model(document, full_check=True)
    # The exporter's own paths and stack traces are no business of a user's.
    for node in document.graph.node:
        node.doc_string = ""
    onnx.save(document, str(partial))
    worst = difference(model, partial)
    if worst > TOLERANCE:
        partial.unlink()
        raise ValueError(f"expected ONNX Runtime within {TOLERANCE} of PyTorch, found a difference of {worst:.2e}; nothing was written")
    partial.replace(output)
    return worst


def open_session(path: Path, threads: int = 1):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def pack_checkpoint(path: Path, output: Path) -> None:
    """What a later run needs to go on (`train --init`), at a quarter of the bytes: the averaged weights in half precision."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    weights = {k: v.half() if v.is_floating_point() else v for k, v in state["ema"].items()}
    # The neck has no norm, so that the statistics behind it may pass half precision's range.
    weights |= {k: v for k, v in state["ema"].items() if "running_" in k}
    output.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"options": state["options"], "step": state["step"], "seconds": state["seconds"], "ema": weights}, output)


def difference(model: Scrfd, path: Path) -> float:
    """The largest absolute difference between a model's outputs and its ONNX file's, over three shapes."""
    session = open_session(path)
    generator = np.random.default_rng(0)
    wrapped = Exported(model.cpu().eval())
    worst = 0.0
    for batch, height, width in ((1, 640, 640), (2, 320, 448), (1, 96, 32)):
        image = generator.uniform(-1, 1, (batch, 3, height, width)).astype(np.float32)
        found = session.run(None, {session.get_inputs()[0].name: image})
        with torch.no_grad():
            expected = wrapped(torch.from_numpy(image))
        for name, a, b in zip(output_names(model.arch.landmarks), found, expected, strict=True):
            if a.shape != tuple(b.shape):
                raise ValueError(f"{name}: expected shape {tuple(b.shape)}, found {a.shape}")
            worst = max(worst, float(np.abs(a - b.numpy()).max()))
    return worst
