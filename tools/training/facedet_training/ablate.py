"""The studies of `configs/ablations.yaml`: each variant trained at the same small budget, one table with the expected finding."""

from __future__ import annotations

import copy
import json
import statistics
import subprocess
import tempfile
from pathlib import Path

from .configuration import data_of, find_config, make_options, read_config, read_yaml
from .detect import network_outputs, tuning_ap
from .prepare import fingerprint


def list_studies(config: str) -> str:
    studies = read_yaml(find_config(config))["studies"]
    return "\n".join(f"{name}: {' / '.join(study['variants'])} (expected: {study['expected']})" for name, study in studies.items())


def merged(base: dict, change: dict) -> dict:
    result = copy.deepcopy(base)
    for key, value in change.items():
        result[key] = merged(result[key], value) if isinstance(value, dict) and isinstance(result.get(key), dict) else value
    return result


def run_study(args) -> str:
    document = read_yaml(find_config(args.config))
    studies = document["studies"]
    if args.study not in studies:
        raise ValueError(f"expected a study among {', '.join(studies)}, found {args.study!r}")
    study = studies[args.study]
    if study.get("kind") == "tracker":
        return tracker_study(study, args)
    if args.data_root is None:
        raise ValueError(f"expected --data-root for the study {args.study}: it trains")
    import cv2
    import torch

    cv2.setNumThreads(1)
    torch.set_num_threads(args.threads)
    values, data = read_config(document["base"])
    cache, taught, aside = data_of(data, values, args.data_root, args.cache, args.threads)
    aside = [i for i in aside if cache.source[i] == args.set]
    rows = []
    for name, change in study["variants"].items():
        results = []
        for seed in range(args.seeds):
            trained = merged(values, change.get("train", {}))
            # Named for what it trains: variants, and studies, that differ only in their test share a run.
            folder = args.output / "runs" / fingerprint([trained, args.images, seed])
            results.append(run_variant(trained, change.get("test", {}), seed, folder, args, cache, taught, aside))
        rows.append((name, results))
    return report(args, study, rows)


def run_variant(values, test, seed, folder, args, cache, taught, aside) -> dict[str, float]:
    """One training and its figures; a finished one is read back, a stopped one goes on."""
    from .train import Run

    done = folder / f"result_{fingerprint(test)}.json"
    if done.exists():
        return json.loads(done.read_text())
    values = {**values, "images": args.images, "seed": seed}
    # A long memory would still be the random start at the end of a short run.
    values["ema"] = min(values.get("ema", 0.999), 1 - 8 * values["batch_size"] / args.images)
    run = Run(make_options(values), cache, taught, folder)
    run.train()
    model = run.ema.eval()
    canvas = (test.get("size", 640),) * 2
    outputs = lambda tensor: network_outputs(model, tensor)  # noqa: E731
    result = tuning_ap(outputs, cache, aside, canvas)
    if test.get("degraded"):
        result |= {f"degraded {k}": v for k, v in tuning_ap(outputs, Degraded(cache), aside, canvas).items()}
    done.write_text(json.dumps(result))
    return result


class Degraded:
    """The same images blurred, darkened and compressed, by a rule of their number."""

    def __init__(self, cache):
        self.cache = cache

    def __getattr__(self, name):
        return getattr(self.cache, name)

    def image(self, i: int):
        import cv2
        import numpy as np

        image = self.cache.image(i)
        kind = i % 3
        if kind == 0:
            return cv2.GaussianBlur(image, (0, 0), 1.5)
        if kind == 1:
            return (255 * (image / 255.0) ** 2.2).astype(np.uint8)
        return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 20])[1], cv2.IMREAD_COLOR)


def report(args, study, rows) -> str:
    keys = list(rows[0][1][0])
    lines = [
        f"Study: {args.study}. {args.images:,} crops a variant, {args.seeds} seed(s); "
        f"AP at overlap 0.5 over the `{args.set}` images kept aside, by face size in pixels.",
        "",
        f"| variant | {' | '.join(keys)} |",
        f"|---|{'---|' * len(keys)}",
    ]
    for name, results in rows:
        cells = []
        for key in keys:
            numbers = [r[key] for r in results]
            spread = f" ± {statistics.stdev(numbers):.3f}" if len(numbers) > 1 else ""
            cells.append(f"{statistics.mean(numbers):.4f}{spread}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    lines += ["", f"Expected: {study['expected']}"]
    text = "\n".join(lines)
    (args.output / args.study).mkdir(parents=True, exist_ok=True)
    (args.output / args.study / "table.md").write_text(text + "\n")
    return text


def tracker_study(study, args) -> str:
    """Nothing is trained: `facedet track` over detections, `facedet eval mot` over its tracks."""
    from .evaluate import facedet_command

    if args.data_root is None:
        raise ValueError("expected --data-root: a folder of NAME/det.txt and NAME/gt.txt (MOT), as shared/mot/MOT17-val")
    command = facedet_command(args.facedet)
    names = sorted(p.parent.name for p in args.data_root.glob("*/det.txt"))
    if not names:
        raise FileNotFoundError(f"{args.data_root}: expected NAME/det.txt files, found none")
    lines = ["| variant | tracks | HOTA | MOTA | IDF1 | IDSW | false positives |", "|---|---|---|---|---|---|---|"]
    for name, change in study["variants"].items():
        with tempfile.TemporaryDirectory() as own:
            tracks = 0
            for sequence in names:
                detections, out = judged_part(args.data_root / sequence), Path(own) / f"{sequence}.txt"
                if "untracked" in change:
                    out.write_text(untracked(detections, change["untracked"]))
                else:
                    out.write_text(call([*command, "track", "-", *change.get("options", [])], detections))
                tracks += len({line.split(",")[1] for line in out.read_text().splitlines()})
            measured = call([*command, "eval", "mot", "--ground-truth", str(args.data_root), "--tracks", own, "--json"])
        c = json.loads(measured)["combined"]
        shares = " | ".join(f"{c[key]:.3f}" for key in ("HOTA", "MOTA", "IDF1"))
        lines.append(f"| {name} | {tracks} | {shares} | {c['IDSW']} | {c.get('CLR_FP', c.get('FP', '–'))} |")
    return "\n".join([*lines, "", f"Expected: {study['expected']}"])


def judged_part(folder: Path) -> str:
    """A sequence's detections; of a whole one whose truth is its second half (as MOT17's validation half), that half from frame 1 on."""
    rows = [line.split(",") for line in (folder / "det.txt").read_text().splitlines() if line.strip()]
    stated = [line for line in (folder / "seqinfo.ini").read_text().splitlines() if line.startswith("seqLength")]
    offset = max(0, max(int(row[0]) for row in rows) - int(stated[0].split("=")[1]))
    return "".join(",".join([str(int(row[0]) - offset), *row[1:]]) + "\n" for row in rows if int(row[0]) > offset)


def untracked(detections: str, score: float) -> str:
    rows = [line.split(",") for line in detections.splitlines() if line.strip()]
    kept = [row for row in rows if float(row[6]) >= score]
    return "".join(",".join([row[0], str(i + 1), *row[2:7], "-1,-1,-1"]) + "\n" for i, row in enumerate(kept))


def call(command: list[str], text: str | None = None) -> str:
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    if done.returncode:
        raise ValueError(f"expected {' '.join(command)} to succeed, it ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    return done.stdout
