"""What TrackEval gives for synthetic sequences: fixture of packages/eval (HOTA, CLEAR, ID metrics, counts, per sequence and combined).

python trackeval_figures.py [--output DIR]
"""

import argparse
import contextlib
import io
import json
import tempfile
from pathlib import Path

import numpy as np
import trackeval

from scenes import SCENES, Draw, number

REPOSITORY = Path(__file__).resolve().parents[3]
OUTPUT = REPOSITORY / "packages/eval/src/mot/fixtures"
METRICS = {"HOTA": trackeval.metrics.HOTA, "CLEAR": trackeval.metrics.CLEAR, "Identity": trackeval.metrics.Identity}


def text_of(row):
    return ",".join(number(value, 1) for value in row)


def tracks_of(truth, seed, noise, miss, switch, false_tracks=3):
    """A tracker's output: the truth with jitter that changes from frame to frame, misses, ID switches and false tracks."""
    draw = Draw(seed)
    ids, rows = {}, []
    fresh = 100
    others = [[draw.uniform(0, 800), draw.uniform(0, 400), draw.uniform(30, 90), draw.uniform(-4, 4)] for _ in range(false_tracks)]
    for frame, people in enumerate(truth, 1):
        spread = noise * (0.2 + 1.8 * draw.random())
        for person, *_ in people:
            if person not in ids or draw.random() < switch:
                fresh += 1
                ids[person] = fresh
                # At times another person's: the two swap their track IDs.
                if len(ids) > 3 and draw.random() < 0.4:
                    other = draw.shuffled(sorted(set(ids) - {person}))[0]
                    ids[person], ids[other] = ids[other], ids[person]
        for person, x, y, w, h, visibility in people:
            if draw.random() < miss + 0.5 * (1 - visibility):
                continue
            box = [v + draw.normal(spread * h) for v in (x, y, w, h)]
            box[2:] = [max(v, 4) for v in box[2:]]
            rows.append((frame, ids[person], *box, draw.uniform(0.3, 1)))
        for k, other in enumerate(others):
            other[0] += other[3]
            if (frame // 9 + k) % 3 == 0:
                rows.append((frame, 900 + k, other[0], other[1], other[2], other[2] * 1.2, draw.uniform(0.3, 0.8)))
    return [text_of(row) for row in draw.shuffled(rows)]


def crowd():
    """MOTChallenge's classes: people who count, distractors, a class that is neither, rows marked 0."""
    truth, _ = SCENES["crossing"]()
    truth = truth[20:60]
    classes = {2: 8, 5: 2, 7: 12, 9: 3}
    marked_out = {4: range(10, 25)}
    lines = [
        text_of((frame, person, x, y, w, h)) + f",{int(frame not in marked_out.get(person, ()))},{classes.get(person, 1)},{visibility:.2f}"
        for frame, people in enumerate(truth, 1)
        for person, x, y, w, h, visibility in people
    ]
    return lines, [f"{row},-1,-1,-1" for row in tracks_of(truth, 61, 0.05, 0.05, 0.02)], len(truth)


def vehicles():
    """As `crowd`, with class 6, which only MOT20 takes out, and class 7."""
    truth, _ = SCENES["shaking"]()
    truth = truth[30:60]
    classes = {1: 6, 3: 7, 6: 6}
    lines = [
        text_of((frame, 40 * person, x, y, w, h)) + f",1,{classes.get(person, 1)}"
        for frame, people in enumerate(truth, 1)
        for person, x, y, w, h, _ in people
    ]
    return lines, tracks_of(truth, 62, 0.07, 0.1, 0.04), len(truth)


def gaps():
    """Frames without truth, frames without tracks, frames without either, and frames after the last row."""
    truth, _ = SCENES["returning"]()
    truth = [[] if 12 <= f < 17 or 30 <= f < 32 else people for f, people in enumerate(truth[:40])]
    lines = [text_of((frame, person, x, y, w, h)) + ",1,1" for frame, people in enumerate(truth, 1) for person, x, y, w, h, _ in people]
    tracks = [row for row in tracks_of(truth, 63, 0.03, 0.08, 0.05) if int(row.split(",")[0]) not in (5, 6, 31, 32, 40)]
    return lines, tracks, 45


def plain():
    """Truth without classes, as of faces: every row marked 1 counts."""
    truth, _ = SCENES["ragged"]()
    truth = truth[:30]
    lines = [
        text_of((frame, person, x, y, w, h)) + f",{0 if person == 3 and frame > 20 else 1},-1"
        for frame, people in enumerate(truth, 1)
        for person, x, y, w, h, _ in people
    ]
    return lines, tracks_of(truth, 64, 0.1, 0.1, 0.06), len(truth)


def silent():
    """A tracker that finds nobody."""
    lines, _, _ = gaps()
    return [line for line in lines if int(line.split(",")[0]) <= 5], [], 5


def nobody():
    """Truth of which no row counts."""
    lines, tracks, _ = plain()
    early = [line.split(",") for line in lines if int(line.split(",")[0]) <= 4]
    return [",".join([*row[:6], "0", *row[7:]]) for row in early], [row for row in tracks if int(row.split(",")[0]) <= 4], 4


# The benchmark decides which rows are prepared how; sequences of one benchmark are also added up.
SEQUENCES = {
    "MOT17": {"crowd": crowd, "gaps": gaps, "silent": silent},
    "MOT20": {"vehicles": vehicles},
    "MOT15": {"plain": plain, "nobody": nobody},
}


def evaluate(benchmark, sequences):
    """TrackEval's figures by sequence (and COMBINED_SEQ) and metric."""
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        root = Path(folder)
        for name, (truth, tracks, length) in sequences.items():
            (root / "gt" / name / "gt").mkdir(parents=True)
            (root / "gt" / name / "gt" / "gt.txt").write_text("".join(f"{line}\n" for line in truth))
            (root / "gt" / name / "seqinfo.ini").write_text(f"[Sequence]\nname={name}\nseqLength={length}\n")
            (root / "tracks" / "ours" / "data").mkdir(parents=True, exist_ok=True)
            (root / "tracks" / "ours" / "data" / f"{name}.txt").write_text("".join(f"{line}\n" for line in tracks))
        common = {"PRINT_CONFIG": False}
        dataset = trackeval.datasets.MotChallenge2DBox(
            {
                **common,
                "GT_FOLDER": str(root / "gt"),
                "TRACKERS_FOLDER": str(root / "tracks"),
                "OUTPUT_FOLDER": str(root / "out"),
                "BENCHMARK": benchmark,
                "SKIP_SPLIT_FOL": True,
                "SEQ_INFO": {name: length for name, (_, _, length) in sequences.items()},
            }
        )
        evaluator = trackeval.Evaluator(
            {
                **common,
                "BREAK_ON_ERROR": True,
                "PRINT_RESULTS": False,
                "OUTPUT_SUMMARY": False,
                "OUTPUT_DETAILED": False,
                "PLOT_CURVES": False,
                "TIME_PROGRESS": False,
                "LOG_ON_ERROR": str(root / "error.log"),
            }
        )
        metrics = [metric({**common, "THRESHOLD": 0.5}) if name != "HOTA" else metric() for name, metric in METRICS.items()]
        results, _ = evaluator.evaluate([dataset], metrics)
    return {name: result["pedestrian"] for name, result in results["MotChallenge2DBox"]["ours"].items()}


def plain_numbers(value):
    if isinstance(value, np.ndarray):
        return [plain_numbers(v) for v in value]
    value = float(value)
    return int(value) if value.is_integer() else value


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    lines = []
    for benchmark, makers in SEQUENCES.items():
        sequences = {name: make() for name, make in makers.items()}
        results = evaluate(benchmark, sequences)
        for name, figures in results.items():
            if name == "COMBINED_SEQ" and len(sequences) == 1:
                continue
            expected = {metric: {field: plain_numbers(value) for field, value in fields.items()} for metric, fields in figures.items()}
            entry = {"benchmark": benchmark, "name": name}
            if name in sequences:
                entry["truth"], entry["tracks"], entry["length"] = sequences[name]
            lines.append(json.dumps({**entry, "expected": expected}, separators=(",", ":")))
            hota = np.mean(figures["HOTA"]["HOTA"])
            print(benchmark, name, f"HOTA {hota:.4f} MOTA {figures['CLEAR']['MOTA']:.4f} IDF1 {figures['Identity']['IDF1']:.4f}")
    text = "[\n" + ",\n".join(lines) + "\n]\n"
    (args.output / "parity-trackeval.json").write_text(text)
    print(args.output / "parity-trackeval.json", len(text), "bytes")


if __name__ == "__main__":
    main()
