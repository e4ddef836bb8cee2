"""INT8 of any SCRFD in ONNX: dynamic, or static with calibration (QDQ).

Takes weights that may not be passed on as well as our own: the INT8 file is made where it is used.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np

from .datasets import IMAGE_SUFFIXES
from .detect import letterbox

METHODS = ("dynamic", "static")
CALIBRATIONS = ("minmax", "percentile", "entropy")
# Per-channel QDQ needs DequantizeLinear with an axis, which opset 13 brought; the official weights are opset 11.
SMALLEST_OPSET = 13


def calibration_tensors(images: Path | Iterable[np.ndarray], size: tuple[int, int], count: int, seed: int = 0) -> Iterator[np.ndarray]:
    """Letterboxed tensors of `count` pictures: a folder's (drawn evenly, the same for a seed), or BGR arrays."""
    if isinstance(images, (str, Path)):
        paths = sorted(p for p in Path(images).glob("**/*") if p.suffix.lower() in IMAGE_SUFFIXES)
        if not paths:
            raise FileNotFoundError(f"{images}: expected pictures to calibrate with, found none ({', '.join(IMAGE_SUFFIXES)})")
        chosen = np.random.default_rng(seed).permutation(len(paths))[:count]
        pictures: Iterable[np.ndarray] = (read(paths[i]) for i in chosen)
    else:
        pictures = images
    for number, picture in enumerate(pictures):
        if number == count:
            return
        yield letterbox(picture, size)[0]


def read(path: Path) -> np.ndarray:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"{path}: expected a picture, OpenCV can't read it")
    return image


def depthwise_nodes(model) -> list[str]:
    """Convolutions with one filter a channel: their ranges differ most from channel to channel, and INT8 gains them least."""
    return [n.name for n in model.graph.node if n.op_type == "Conv" and any(a.name == "group" and a.i > 1 for a in n.attribute)]


def prepare(model, folder: Path) -> Path:
    """Named nodes, opset ≥ 13, shapes inferred, norms folded by ONNX Runtime's preprocessing where it can."""
    import onnx
    from onnx import version_converter
    from onnxruntime.quantization.shape_inference import quant_pre_process

    opset = next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), 0)
    if opset < SMALLEST_OPSET:
        model = version_converter.convert_version(model, SMALLEST_OPSET)
    for i, node in enumerate(model.graph.node):
        node.name = node.name or f"{node.op_type}_{i}"
    raw, clean = folder / "raw.onnx", folder / "clean.onnx"
    onnx.save(model, str(raw))
    quant_pre_process(str(raw), str(clean), skip_symbolic_shape=True)
    return clean


def quantize_model(
    model,
    method: str = "static",
    *,
    output: Path | None = None,
    images: Path | Iterable[np.ndarray] | None = None,
    size: tuple[int, int] = (640, 640),
    count: int = 60,
    calibration: str = "minmax",
    percentile: float = 99.99,
    keep_depthwise: bool = False,
    keep: Iterable[str] = (),
):
    """An INT8 copy of `model` (a path, or an onnx.ModelProto), as a ModelProto; written to `output` where one is given.

    method: `static` measures activations on `images` and quantizes both sides, per channel; `dynamic` needs no pictures, quantizes
        weights and measures activations in every run, which on convolutions is often slower than FP32.
    images, count, size: what to calibrate on: a folder or BGR arrays, how many, and the canvas (width, height).
    calibration: how ranges are chosen: `minmax`, `percentile` (cuts off what lies beyond `percentile`), `entropy`.
    keep_depthwise, keep: layers that stay FP32: all depthwise convolutions, and nodes whose names begin with one of `keep`.

    Raises ValueError for a method or calibration that does not exist, and for static without pictures.
    """
    import onnx
    from onnxruntime import quantization as q

    if method not in METHODS:
        raise ValueError(f"expected method {' or '.join(METHODS)}, found {method!r}")
    if calibration not in CALIBRATIONS:
        raise ValueError(f"expected calibration {', '.join(CALIBRATIONS)}, found {calibration!r}")
    if method == "static" and images is None:
        raise ValueError("expected images to calibrate with (a folder, or BGR arrays), found none; or choose method='dynamic'")
    loaded = onnx.load(str(model)) if isinstance(model, (str, Path)) else model
    with tempfile.TemporaryDirectory() as own:
        folder = Path(own)
        clean, made = prepare(loaded, folder), folder / "int8.onnx"
        graph = onnx.load(str(clean))
        fixed = [n.name for n in graph.graph.node if any(n.name.startswith(prefix) for prefix in keep)]
        if keep_depthwise:
            fixed += depthwise_nodes(graph)
        if method == "dynamic":
            # ONNX Runtime's integer convolution takes unsigned weights only.
            q.quantize_dynamic(str(clean), str(made), weight_type=q.QuantType.QUInt8, op_types_to_quantize=["Conv"], nodes_to_exclude=fixed)
        else:
            tensors = calibration_tensors(images, size, count)
            methods = {
                "minmax": q.CalibrationMethod.MinMax,
                "percentile": q.CalibrationMethod.Percentile,
                "entropy": q.CalibrationMethod.Entropy,
            }
            extra = {"CalibPercentile": percentile} if calibration == "percentile" else {}
            q.quantize_static(
                str(clean),
                str(made),
                reader(tensors, graph.graph.input[0].name),
                quant_format=q.QuantFormat.QDQ,
                per_channel=True,
                activation_type=q.QuantType.QUInt8,
                weight_type=q.QuantType.QInt8,
                op_types_to_quantize=["Conv", "Add"],
                nodes_to_exclude=fixed,
                calibrate_method=methods[calibration],
                extra_options=extra,
            )
        result = onnx.load(str(made))
    if output is not None:
        output = Path(output)
        output.parent.mkdir(parents=True, exist_ok=True)
        partial = output.with_name(output.name + ".partial")
        onnx.save(result, str(partial))
        partial.replace(output)
    return result


def reader(tensors: Iterator[np.ndarray], name: str):
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):
        def get_next(self):
            tensor = next(tensors, None)
            return None if tensor is None else {name: tensor}

    return Reader()
