"""A training crop: sample redistribution (SCRFD section 3.2) and the robustness augmentations.

Pixels are RGB uint8 throughout; everything that only changes values goes through one table of 256 entries a channel.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

PAPER_CROPS = (0.3, 0.45, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0)
PADDING = 128
# Left eye, right eye, nose, left mouth corner, right mouth corner: left and right change places in a mirror.
MIRRORED = np.array([1, 0, 2, 4, 3])


@dataclass
class Augmentation:
    """Probabilities and ranges. `crops` are crop sides over the image's short side, `crop_weights` how often each is drawn."""

    size: int = 640
    crops: tuple[float, ...] = PAPER_CROPS
    crop_weights: tuple[float, ...] | None = None
    smallest: float = 0.0
    flip: float = 0.5
    photometric: float = 0.5
    saturation: float = 0.25
    grey: float = 0.02
    blur: float = 0.2
    blur_sigma: tuple[float, float] = (0.5, 3.0)
    jpeg: float = 0.2
    jpeg_quality: tuple[int, int] = (20, 80)
    dark: float = 0.1
    dark_gamma: tuple[float, float] = (1.5, 3.0)
    cutout: float = 0.1
    weights: np.ndarray | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        weights = np.array(self.crop_weights or [1.0] * len(self.crops), float)
        if len(weights) != len(self.crops):
            raise ValueError(f"expected as many crop_weights as crops ({len(self.crops)}), found {len(weights)}")
        self.weights = weights / weights.sum()


def crop_window(rng: np.random.Generator, height: int, width: int, boxes, ignore, options: Augmentation, tries: int = 20):
    """Left, top and side of a square that holds a taught face's center; drawn evenly, the first that does is taken."""
    centers = (boxes[~ignore, :2] + boxes[~ignore, 2:]) / 2
    for _ in range(tries):
        side = min(height, width) * options.crops[rng.choice(len(options.crops), p=options.weights)]
        # A crop larger than the picture moves over it the other way round, so that the picture lies anywhere in it.
        left = rng.uniform(min(0, width - side), max(0, width - side))
        top = rng.uniform(min(0, height - side), max(0, height - side))
        if not len(centers) or ((centers >= (left, top)) & (centers < (left + side, top + side))).all(1).any():
            return left, top, side
    x, y = centers[rng.integers(len(centers))]
    return x - rng.uniform(0, side), y - rng.uniform(0, side), side


def cut(image: np.ndarray, left: float, top: float, side: float, size: int, interpolation: int = cv2.INTER_LINEAR) -> np.ndarray:
    """The square `left, top, side` of a picture as size × size pixels, padded with 128."""
    height, width = image.shape[:2]
    scale = size / side
    # Only the part inside the picture is scaled; a pixel more on each side keeps its border right.
    x1, y1 = max(0, int(np.floor(left)) - 1), max(0, int(np.floor(top)) - 1)
    x2, y2 = min(width, int(np.ceil(left + side)) + 1), min(height, int(np.ceil(top + side)) + 1)
    part = image[y1:y2, x1:x2]
    # Pixel centers: source = (target + 0.5) / scale - 0.5 + corner.
    shift = 0.5 * scale - 0.5
    matrix = np.array([[scale, 0, (x1 - left) * scale + shift], [0, scale, (y1 - top) * scale + shift]])
    return cv2.warpAffine(part, matrix, (size, size), flags=interpolation, borderMode=cv2.BORDER_CONSTANT, borderValue=(PADDING,) * 3)


def value_table(rng: np.random.Generator, options: Augmentation) -> np.ndarray | None:
    """Brightness, contrast, color cast and darkening in one table [256, 3], or None where none was drawn."""
    values = np.arange(256, dtype=np.float32)[:, None].repeat(3, 1)
    changed = False
    if rng.random() < options.photometric:
        contrast, brightness = rng.uniform(0.6, 1.4), rng.uniform(-32, 32)
        cast = rng.uniform(0.92, 1.08, 3)
        values = values * contrast * cast + brightness
        changed = True
    if rng.random() < options.dark:
        values = 255 * (np.clip(values, 0, 255) / 255) ** rng.uniform(*options.dark_gamma)
        changed = True
    return np.clip(values, 0, 255).astype(np.uint8)[None] if changed else None


def degrade(rng: np.random.Generator, image: np.ndarray, boxes: np.ndarray, options: Augmentation) -> np.ndarray:
    table = value_table(rng, options)
    if table is not None:
        image = cv2.LUT(image, table)
    if rng.random() < options.saturation:
        grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        amount = rng.uniform(0.4, 1.6)
        image = cv2.addWeighted(image, amount, grey, 1 - amount, 0)
    if rng.random() < options.grey:
        image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    if rng.random() < options.blur:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(*options.blur_sigma))
    if rng.random() < options.jpeg:
        quality = int(rng.integers(options.jpeg_quality[0], options.jpeg_quality[1] + 1))
        image = cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)
    if len(boxes) and rng.random() < options.cutout:
        # A patch over a part of one face, as a hand, a mask or a microphone would cover it.
        x1, y1, x2, y2 = boxes[rng.integers(len(boxes))]
        w, h = (x2 - x1) * rng.uniform(0.2, 0.6), (y2 - y1) * rng.uniform(0.2, 0.5)
        x, y = rng.uniform(x1, x2 - w), rng.uniform(y1, y2 - h)
        color = tuple(int(v) for v in rng.integers(0, 256, 3))
        image = np.ascontiguousarray(image)
        cv2.rectangle(image, (int(x), int(y)), (int(x + w), int(y + h)), color, -1)
    return image


def training_crop(rng: np.random.Generator, image: np.ndarray, boxes, landmarks, ignore, options: Augmentation):
    """`image` is BGR as the cache holds it; returns RGB pixels, boxes, landmarks and ignore of the faces that stay.

    A face stays if its center is inside; its box keeps its true extent, clipped to the crop. Faces whose sides fall below
    `options.smallest` pixels are ignored.
    """
    size = options.size
    left, top, side = crop_window(rng, *image.shape[:2], boxes, ignore, options)
    pixels = cv2.cvtColor(cut(image, left, top, side, size), cv2.COLOR_BGR2RGB)
    scale = size / side
    corner = np.array([left, top], np.float32)
    boxes = (boxes - np.tile(corner, 2)) * scale
    landmarks = (landmarks - corner) * scale
    center = (boxes[:, :2] + boxes[:, 2:]) / 2
    # An ignored region keeps its effect on the part that the crop shows.
    shown = (np.minimum(boxes[:, 2:], size) - np.maximum(boxes[:, :2], 0)).min(1) > 1
    stays = ((center >= 0) & (center < size)).all(1) & shown
    cut_off = shown & ~stays
    ignore = np.concatenate([ignore[stays], np.ones(cut_off.sum(), bool)])
    boxes = np.clip(np.concatenate([boxes[stays], boxes[cut_off]]), 0, size).astype(np.float32)
    landmarks = np.concatenate([landmarks[stays], landmarks[cut_off]]).astype(np.float32)
    sides = boxes[:, 2:] - boxes[:, :2]
    ignore = ignore | (np.sqrt(sides.prod(1)) < options.smallest)
    if rng.random() < options.flip:
        pixels = pixels[:, ::-1]
        boxes = np.stack([size - boxes[:, 2], boxes[:, 1], size - boxes[:, 0], boxes[:, 3]], -1)
        landmarks = landmarks[:, MIRRORED]
        landmarks[..., 0] = size - landmarks[..., 0]
    pixels = degrade(rng, np.ascontiguousarray(pixels), boxes[~ignore], options)
    return pixels, boxes, landmarks, ignore
