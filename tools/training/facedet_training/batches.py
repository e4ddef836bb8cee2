"""Batches that depend on nothing but the seed and their number, so that a resumed run sees what the killed one would have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .assign import Grid, Targets
from .augment import Augmentation, training_crop
from .cache import ImageCache


def tuning_split(cache: ImageCache, seed: int = 0, share: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    """Indices to train on and to tune on. An image's part hangs on its name alone, not on which other sets are there."""
    import hashlib

    def draw(i: int) -> float:
        digest = hashlib.sha256(f"{seed}:{cache.source[i]}/{cache.name[i]}".encode()).digest()
        return int.from_bytes(digest[:8], "big") / 2**64

    aside = np.array([draw(i) < share for i in range(len(cache))], bool)
    return np.flatnonzero(~aside), np.flatnonzero(aside)


@dataclass
class Batch:
    images: Tensor
    boxes: np.ndarray
    landmarks: np.ndarray
    targets: Targets


class Sampler:
    """Crop number n is image and augmentation by `(seed, n)`."""

    def __init__(
        self, cache: ImageCache, indices, options: Augmentation, seed: int, weights: dict[str, float] | None = None, crowding: float = 0.0
    ):
        self.cache, self.options, self.seed = cache, options, seed
        taught = [i for i in indices if (~cache.ignore[cache.faces(i)]).any()]
        self.sets = [np.array([i for i in taught if cache.source[i] == name]) for name in dict.fromkeys(cache.source)]
        self.sets = [s for s in self.sets if len(s)]
        if not self.sets:
            raise ValueError("expected at least one image with a face to train on, found none; check --data-root and the labels")
        share = np.array([(weights or {}).get(cache.source[s[0]], 1.0) * (1 if weights else len(s)) for s in self.sets], float)
        self.share = share / share.sum()
        # A crowd has more to teach than a portrait: an image is drawn in proportion to its taught faces to the power `crowding`.
        faces = [np.array([(~cache.ignore[cache.faces(i)]).sum() for i in s], float) ** crowding for s in self.sets]
        self.within = [np.cumsum(f) / f.sum() for f in faces]

    def crop(self, number: int):
        rng = np.random.default_rng((self.seed, number))
        part = rng.choice(len(self.sets), p=self.share)
        i = int(self.sets[part][np.searchsorted(self.within[part], rng.random(), "right")])
        own = self.cache.faces(i)
        return training_crop(
            rng, self.cache.image(i), self.cache.boxes[own], self.cache.landmarks[own], self.cache.ignore[own], self.options
        )

    def batch(self, first: int, count: int, grid: Grid, match) -> Batch:
        """Crops `first … first + count`, normalized, channels last, with the anchors that learn."""
        crops = [self.crop(first + n) for n in range(count)]
        pixels = torch.from_numpy(np.stack([c[0] for c in crops])).permute(0, 3, 1, 2)
        images = pixels.to(torch.float32, memory_format=torch.channels_last).sub_(127.5).div_(128)
        owner = np.repeat(np.arange(count), [len(c[1]) for c in crops])
        boxes, landmarks, ignore = (np.concatenate([c[k] for c in crops]) for k in (1, 2, 3))
        return Batch(images, boxes, landmarks, match(grid, count, owner, boxes, ignore))
