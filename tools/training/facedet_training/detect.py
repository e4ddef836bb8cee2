"""The paper's test pipeline over PyTorch outputs or an ONNX session, for tuning; figures to publish come from `evaluate`."""

from __future__ import annotations

import cv2
import numpy as np

from .assign import Grid
from .teachers import greedy_nms


def letterbox(image: np.ndarray, canvas: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """BGR picture → tensor [1, 3, H, W], scales (x, y) and the scaled size, as the preset `paper` has it."""
    height, width = image.shape[:2]
    scale = min(canvas[0] / width, canvas[1] / height)
    new = max(int(width * scale + 0.5), 1), max(int(height * scale + 0.5), 1)
    full = np.full((canvas[1], canvas[0], 3), 127.5, np.float32)
    full[: new[1], : new[0]] = cv2.resize(image, new)[:, :, ::-1]
    tensor = np.ascontiguousarray(((full - 127.5) / 128).transpose(2, 0, 1)[None])
    return tensor, np.array([new[0] / width, new[1] / height]), new


def decode(scores, distances, points, grid: Grid, threshold: float = 0.02, iou: float = 0.45):
    """One image's flat outputs ([N], [N, 4], [N, 10] or None) → boxes, scores, landmarks by falling score, in canvas pixels."""
    chosen = np.flatnonzero(scores > threshold)
    center, stride = grid.centers[chosen], grid.strides[chosen, None]
    distance = distances[chosen] * stride
    boxes = np.hstack([center - distance[:, :2], center + distance[:, 2:]])
    keep = greedy_nms(boxes, scores[chosen], iou)
    landmarks = None
    if points is not None:
        landmarks = (center[:, None] + points[chosen].reshape(-1, 5, 2) * stride[..., None])[keep]
    return boxes[keep], scores[chosen][keep], landmarks


def network_outputs(model, tensor: np.ndarray):
    """PyTorch: flat scores, distances, points of one image."""
    import torch

    with torch.no_grad():
        image = torch.from_numpy(tensor).to(next(model.parameters()).device, memory_format=torch.channels_last)
        scores, distances, points = model(image)
    flat = [torch.cat(o, 1)[0].float().cpu().numpy() if o else None for o in (scores, distances, points)]
    return 1 / (1 + np.exp(-flat[0][:, 0])), flat[1], flat[2]


def session_outputs(session, tensor: np.ndarray):
    """ONNX Runtime: the same of an exported model, whose outputs are scores, distances, points by stride."""
    found = session.run(None, {session.get_inputs()[0].name: tensor})
    parts = [np.concatenate([o.reshape(-1, o.shape[-1]) for o in found[i : i + 3]]) for i in range(0, len(found), 3)]
    return parts[0][:, 0], parts[1], parts[2] if len(parts) > 2 else None


def average_precision(found, faces, ignored, overlap: float = 0.5) -> float:
    """AP at one overlap over images: `found` (boxes, scores), `faces` boxes, `ignored` masks; finds on ignored faces count neither way."""
    from .labels import overlap_matrix

    scores, hits = [], []
    for (boxes, score), truth, ignore in zip(found, faces, ignored):
        taken = np.zeros(len(truth), bool)
        table = overlap_matrix(boxes, truth) if len(boxes) and len(truth) else np.zeros((len(boxes), max(len(truth), 1)))
        for i in range(len(boxes)):
            best = int(table[i].argmax())
            if table[i, best] >= overlap and len(truth):
                if ignore[best]:
                    continue
                hit, taken[best] = not taken[best], True
            else:
                hit = False
            scores.append(score[i])
            hits.append(hit)
    total = sum(int((~i).sum()) for i in ignored)
    if not total or not scores:
        return 0.0
    hits = np.array(hits)[np.argsort(-np.array(scores), kind="stable")]
    true = np.cumsum(hits)
    recall, precision = true / total, true / np.arange(1, len(hits) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall, prepend=0) * envelope))


def tuning_ap(outputs, cache, indices, canvas: tuple[int, int] = (640, 640), sizes=(0, 8, 16, 32)) -> dict[str, float]:
    """AP over cached images, for faces from each of `sizes` canvas pixels up (the smaller are ignored)."""
    grid = Grid(*canvas)
    found, faces, ignored, sides = [], [], [], []
    for i in indices:
        tensor, scale, _ = letterbox(cache.image(i), canvas)
        boxes, scores, _ = decode(*outputs(tensor), grid)
        own = cache.faces(i)
        truth = cache.boxes[own] * np.tile(scale, 2)
        found.append((boxes, scores))
        faces.append(truth)
        ignored.append(cache.ignore[own])
        sides.append(np.sqrt(np.maximum(truth[:, 2:] - truth[:, :2], 0).prod(1)))
    return {f">={s}px": average_precision(found, faces, [g | (w < s) for g, w in zip(ignored, sides)]) for s in sizes}
