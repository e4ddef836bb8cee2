"""Decoded images in one flat uint8 file, and their faces in arrays: reading an image is a view, not a decode."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from .datasets import Sample


@dataclass
class ImageCache:
    """`pixels` holds BGR images one after the other; image i's faces are rows `first[i]:first[i + 1]`."""

    pixels: np.ndarray
    offset: np.ndarray
    shape: np.ndarray
    first: np.ndarray
    boxes: np.ndarray
    landmarks: np.ndarray
    ignore: np.ndarray
    source: list[str]
    name: list[str]

    def __len__(self) -> int:
        return len(self.offset)

    def image(self, i: int) -> np.ndarray:
        h, w = self.shape[i]
        begin = self.offset[i]
        return self.pixels[begin : begin + int(h) * int(w) * 3].reshape(h, w, 3)

    def faces(self, i: int) -> slice:
        return slice(int(self.first[i]), int(self.first[i + 1]))


def build_cache(samples: list[Sample], folder: Path, longest: int = 0, progress=None) -> ImageCache:
    """Decode every sample once. `longest` scales larger pictures down to that longer side (0: as they are)."""
    folder.mkdir(parents=True, exist_ok=True)
    shapes, offsets, at = [], [], 0
    boxes, landmarks, ignore, counts = [], [], [], []
    partial = folder / "pixels.u8.partial"
    with open(partial, "wb") as out:
        for sample in progress(samples) if progress else samples:
            image = cv2.imread(str(sample.image), cv2.IMREAD_COLOR)
            if image is None:
                raise ValueError(f"{sample.image}: expected a picture, OpenCV can't read it; leave it out of the labels")
            scale = min(1.0, longest / max(image.shape[:2])) if longest else 1.0
            if scale < 1:
                size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
                image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
            shapes.append(image.shape[:2])
            offsets.append(at)
            at += image.size
            out.write(image.tobytes())
            boxes.append(sample.boxes * scale)
            landmarks.append(sample.landmarks * scale)
            ignore.append(sample.ignore)
            counts.append(len(sample.boxes))
    np.savez(
        folder / "faces.npz",
        shape=np.array(shapes, np.int32),
        offset=np.array(offsets, np.int64),
        first=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        boxes=np.concatenate(boxes),
        landmarks=np.concatenate(landmarks),
        ignore=np.concatenate(ignore),
    )
    (folder / "names.json").write_text(json.dumps({"source": [s.source for s in samples], "name": [s.name for s in samples]}))
    partial.rename(folder / "pixels.u8")
    return open_cache(folder)


def open_cache(folder: Path) -> ImageCache:
    faces = np.load(folder / "faces.npz")
    names = json.loads((folder / "names.json").read_text())
    pixels = np.memmap(folder / "pixels.u8", np.uint8, "r")
    return ImageCache(pixels, *(faces[k] for k in ("offset", "shape", "first", "boxes", "landmarks", "ignore")), **names)
