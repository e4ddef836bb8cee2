"""Accuracy and what the project's own command says of it: `facedet eval wider` measures, this only calls it."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

from .export import export_onnx, load_checkpoint

REPOSITORY = Path(__file__).resolve().parents[3]


def facedet_command(given: str | None = None) -> list[str]:
    """The command of this checkout (built), or `facedet` on the PATH."""
    if given:
        return shlex.split(given)
    built = REPOSITORY / "apps/cli/dist/main.js"
    if built.exists():
        return ["node", str(built)]
    if shutil.which("facedet"):
        return ["facedet"]
    raise FileNotFoundError("expected the facedet command: run `pnpm install && pnpm build` in the repository, or give --facedet")


def evaluate_onnx(
    model: Path,
    data_root: Path,
    ground_truth: Path,
    size: str = "640x640",
    output: Path | None = None,
    facedet: str | None = None,
    threads: int | None = None,
) -> dict:
    """WIDER FACE AP of an ONNX model over the images that `data_root` lists, with the preset `paper`."""
    with tempfile.TemporaryDirectory() as own:
        root = official_layout(data_root, Path(own) / "wider")
        command = [
            *facedet_command(facedet),
            "eval",
            "wider",
            "--data-root",
            str(root),
            "--ground-truth",
            str(ground_truth),
            "--model",
            str(model),
            "--preset",
            "paper",
            "--size",
            size,
            "--output-dir",
            str(output or Path(own) / "out"),
            "--json",
        ]
        if threads:
            command += ["--threads", str(threads)]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise ValueError(f"expected figures of {' '.join(command)}, it ended with {done.returncode}: {done.stderr.strip()[-800:]}")
    return json.loads(done.stdout)


def official_layout(root: Path, links: Path) -> Path:
    """`root` itself, or, where it is a flat folder of `images/` and its list, links to it in WIDER FACE's own layout."""
    listed = root / "wider_face_val_bbx_gt.txt"
    if not listed.exists():
        return root
    (links / "WIDER_val").mkdir(parents=True)
    (links / "wider_face_split").mkdir()
    (links / "WIDER_val" / "images").symlink_to((root / "images").resolve())
    (links / "wider_face_split" / listed.name).symlink_to(listed.resolve())
    return links


def evaluate_checkpoint(checkpoint: Path, *args, **kwargs) -> dict:
    with tempfile.TemporaryDirectory() as own:
        model = Path(own) / "model.onnx"
        export_onnx(load_checkpoint(checkpoint), model)
        return evaluate_onnx(model, *args, **kwargs)
