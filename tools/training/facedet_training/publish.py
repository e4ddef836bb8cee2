"""Puts weights where the package `@facedet/models` ships them, with what it must say of them."""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

from .cache import ImageCache
from .evaluate import REPOSITORY
from .export import export_onnx, load_checkpoint
from .models import operations, parameter_count

SETTING = "492 original WIDER FACE val images that were not trained on, preset paper, 640 × 640, single scale"
WEIGHTS = REPOSITORY / "packages" / "models" / "weights"


def seen_images(cache: ImageCache, source: str = "wider") -> list[str]:
    """EVENT/NAME without suffix of the WIDER val images in the training data, those kept aside for tuning among them."""
    return sorted(str(Path(name).with_suffix("")) for name, s in zip(cache.name, cache.source) if s == source)


def publish(
    checkpoint: Path, name: str, file: str, use: str, cache: ImageCache, folder: Path = WEIGHTS, accuracy: dict | None = None
) -> dict:
    """Exports `checkpoint` to `folder/file`, its entry to `weights.json` (in front: the first is the default) and `figures.json`."""
    model = load_checkpoint(checkpoint)
    export_onnx(model, folder / file)
    entry = describe(folder / file, name, use) | {
        "landmarks": model.arch.landmarks,
        "gflops": round(operations(model) / 1e9, 3),
        "parameters": parameter_count(model),
    }
    if accuracy:
        entry["accuracy"] = accuracy
    add_entry(folder, entry, first=True)
    (folder / "training-images.json").write_text(json.dumps({"images": seen_images(cache)}, indent=1) + "\n")
    return entry


def describe(path: Path, name: str, use: str) -> dict:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return {"name": name, "file": path.name, "bytes": len(content), "sha256": digest, "use": use, "batch": True}


PAGE_KEYS = ("name", "file", "bytes", "sha256")


def add_entry(folder: Path, entry: dict, first: bool = False) -> None:
    """One entry per name; a new one replaces the old. What a page needs goes into one file, the rest into another."""
    own, rest = {k: entry[k] for k in PAGE_KEYS}, {k: v for k, v in entry.items() if k not in PAGE_KEYS}
    models = [m for m in read(folder / "weights.json").get("models", []) if m["name"] != entry["name"]]
    write(folder / "weights.json", {"models": [own, *models] if first else [*models, own]})
    write(folder / "figures.json", read(folder / "figures.json") | {entry["name"]: rest})


def read(path: Path) -> dict:
    return json.loads(path.read_text()) if path.exists() else {}


def write(path: Path, content: dict) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def main() -> None:
    from .cache import open_cache

    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("checkpoint", type=Path)
    p.add_argument("--name", default="facedet_0.5g_kps")
    p.add_argument("--file", default="scrfd_0.5g_kps.onnx")
    p.add_argument("--use", default="comes with the package, no download")
    p.add_argument("--cache", type=Path, default=Path("runs/cache"), help="of the training run: it lists the images that were seen")
    p.add_argument("--accuracy", type=float, nargs=3, metavar=("EASY", "MEDIUM", "HARD"))
    args = p.parse_args()
    accuracy = dict(zip(("easy", "medium", "hard"), args.accuracy), setting=SETTING) if args.accuracy else None
    print(json.dumps(publish(args.checkpoint, args.name, args.file, args.use, open_cache(args.cache), accuracy=accuracy)))


if __name__ == "__main__":
    main()
