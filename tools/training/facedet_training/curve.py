"""A run's log as a picture: python -m facedet_training.curve runs/train/log.jsonl -o curve.svg [--points points.json]

Several logs are runs that each began from the weights of the one before: their crops are counted on. `points` holds measured figures
by crops seen: {"name": [[seen, value], …], …}.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path


def smooth(values: list[float], window: int) -> list[float]:
    """A moving mean over the `window` values up to each."""
    result, total = [], 0.0
    for i, value in enumerate(values):
        total += value - (values[i - window] if i >= window else 0)
        result.append(total / min(i + 1, window))
    return result


def joined(logs: list[Path]) -> list[dict]:
    """The rows of all logs, `seen` counted from the first run's first crop."""
    rows: list[dict] = []
    for log in logs:
        before = rows[-1]["seen"] if rows else 0
        rows += [row | {"seen": row["seen"] + before} for row in map(json.loads, log.read_text().splitlines())]
    return rows


def draw(logs: list[Path], output: Path, points: dict[str, list] | None = None, window: int = 25) -> None:
    import matplotlib

    matplotlib.use("svg" if output.suffix == ".svg" else "agg")
    # The same log gives the same file.
    matplotlib.rcParams["svg.hashsalt"] = "facedet"
    from matplotlib import pyplot

    rows = joined(logs)
    seen = [row["seen"] / 1000 for row in rows]
    kinds = [("score", "quality focal"), ("box", "DIoU"), ("landmarks", "landmarks"), ("lr", "rate / base rate")]
    figure, axes = pyplot.subplots(1, len(kinds) + bool(points), figsize=(3.1 * (len(kinds) + bool(points)), 2.7))
    for axis, (key, title) in zip(axes, kinds):
        values = [row[key] for row in rows]
        axis.plot(seen, values if key == "lr" else smooth(values, window), linewidth=1.2)
        axis.set_title(title, fontsize=10)
    if points:
        for name, found in points.items():
            axes[-1].plot([p[0] / 1000 for p in found], [p[1] for p in found], marker="o", markersize=3, label=name)
        axes[-1].set_title("AP, images kept aside", fontsize=10)
        axes[-1].legend(fontsize=7)
    for axis in axes:
        axis.set_xlabel("thousand crops", fontsize=9)
        axis.tick_params(labelsize=8)
        axis.grid(alpha=0.3)
    figure.tight_layout()
    output.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(output, metadata={"Date": None} if output.suffix == ".svg" else None)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("logs", type=Path, nargs="+", metavar="LOG")
    p.add_argument("-o", "--output", type=Path, required=True)
    p.add_argument("--points", type=Path)
    args = p.parse_args()
    draw(args.logs, args.output, json.loads(args.points.read_text()) if args.points else None)


if __name__ == "__main__":
    main()
