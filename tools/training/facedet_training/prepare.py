"""From data sets on disk to the cache a run reads: decoded once, seen by the teacher once, labels decided by configuration."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
from filelock import FileLock

from .cache import ImageCache, build_cache, open_cache
from .datasets import read_set
from .labels import Habits, relabel


def fingerprint(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]


def teach(cache: ImageCache, scales: dict[str, float], threads: int = 1, progress=None) -> dict[str, np.ndarray]:
    """The teacher's finds in every image as flat arrays."""
    from .teachers import CenterFace

    teacher = CenterFace(threads)
    found = []
    for i in progress(range(len(cache))) if progress else range(len(cache)):
        scale = scales.get(cache.source[i], scales.get("default", 1.0))
        found.append((i, *teacher(cache.image(i), scale, threshold=0.12)))
    return {
        "image": np.concatenate([np.full(len(f[1]), f[0], np.int32) for f in found]),
        "boxes": np.concatenate([f[1] for f in found]),
        "scores": np.concatenate([f[2] for f in found]),
        "landmarks": np.concatenate([f[3] for f in found]),
    }


def prepared_cache(data: dict, root: Path, folder: Path, threads: int = 1, progress=None) -> ImageCache:
    """Builds what is missing in `folder` and reuses the rest.

    Of several processes that ask at once, as under torchrun, one builds and the others wait: two that wrote the same files would
    leave neither whole.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "prepare.lock"):
        return _prepared(data, root, folder, threads, progress)


def _prepared(data: dict, root: Path, folder: Path, threads: int, progress) -> ImageCache:
    sets = [{k: v for k, v in s.items() if k != "weight"} for s in data["sets"]]
    mark = folder / "sets.txt"
    wanted = fingerprint([sets, data.get("longest", 0)])
    if not (mark.exists() and mark.read_text() == wanted and (folder / "pixels.u8").exists()):
        samples = [sample for spec in sets for sample in read_set(spec, root)]
        build_cache(samples, folder, data.get("longest", 0), progress)
        (folder / "teacher.npz").unlink(missing_ok=True)
        mark.write_text(wanted)
    cache = open_cache(folder)
    teacher = data.get("teacher")
    if not teacher:
        return cache
    if teacher.get("model") != "centerface":
        raise ValueError(f"teacher: expected model centerface, found {teacher.get('model')!r}")
    kept = folder / "teacher.npz"
    if not kept.exists():
        partial = folder / "teacher.partial.npz"
        np.savez(partial, **teach(cache, teacher.get("scale", {}), threads, progress))
        partial.rename(kept)
    habits = {name: Habits(**values) for name, values in teacher.get("habits", {}).items()}
    return relabel(cache, dict(np.load(kept)), habits)


def set_weights(data: dict) -> dict[str, float] | None:
    weights = {s["name"]: s["weight"] for s in data["sets"] if "weight" in s}
    return weights or None
