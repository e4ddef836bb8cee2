"""What the original ByteTrack gives for the synthetic scenes: fixtures of packages/tracker.

    python bytetrack.py --bytetrack DIR [--output DIR]

DIR is a clone of ifzhang/ByteTrack, of which yolox/tracker/{byte_tracker,matching,kalman_filter,basetrack}.py are imported.
"""

import argparse
import importlib
import json
import sys
import types
from pathlib import Path

import numpy as np

from scenes import SCENES, number

REPOSITORY = Path(__file__).resolve().parents[3]
OUTPUT = REPOSITORY / "packages/tracker/src/fixtures"

# Options of each run, with the original's names. `boxes`: the rows' boxes are part of the fixture too.
DEFAULTS = {"track_thresh": 0.6, "match_thresh": 0.9, "track_buffer": 30, "frame_rate": 30, "mot20": False}
RUNS = [
    {"scene": "crossing", "boxes": True},
    {"scene": "crossing", "track_thresh": 0.5, "match_thresh": 0.8},
    {"scene": "crossing", "match_thresh": 0.4, "track_buffer": 60},
    {"scene": "crossing", "track_thresh": 0.3, "match_thresh": 0.7, "track_buffer": 5},
    {"scene": "returning", "track_buffer": 10, "boxes": True},
    {"scene": "returning"},
    {"scene": "returning", "track_buffer": 20, "frame_rate": 15},
    {"scene": "returning", "track_buffer": 30, "frame_rate": 12},
    {"scene": "returning", "track_buffer": 11, "match_thresh": 0.35, "track_thresh": 0.45},
    {"scene": "returning", "track_buffer": 0},
    {"scene": "shaking", "boxes": True},
    {"scene": "shaking", "track_thresh": 0.7, "track_buffer": 14},
    {"scene": "shaking", "track_thresh": 0.4, "match_thresh": 0.8, "frame_rate": 60},
    {"scene": "shaking", "match_thresh": 0.5, "track_buffer": 20, "frame_rate": 25},
    {"scene": "ragged", "match_thresh": 0.35},
    {"scene": "ragged", "track_thresh": 0.5, "match_thresh": 0.55},
    {"scene": "shaking", "track_thresh": 0.2, "match_thresh": 0.42},
    {"scene": "shaking", "track_thresh": 0.33, "match_thresh": 0.57},
    {"scene": "sure"},
    {"scene": "sure", "mot20": True},
]


def load(folder):
    """The original's modules. torch and cv2 are imported there but not used; NumPy 2 has no `np.float`."""
    np.float = float
    for name in ("torch", "torch.nn", "torch.nn.functional", "cv2"):
        sys.modules.setdefault(name, types.ModuleType(name))
    sys.modules["torch"].nn = sys.modules["torch.nn"]
    sys.modules["torch.nn"].functional = sys.modules["torch.nn.functional"]
    # Not the package's own __init__.py, which needs the whole of YOLOX.
    for name, part in (("yolox", "yolox"), ("yolox.tracker", "yolox/tracker")):
        package = types.ModuleType(name)
        package.__path__ = [str(Path(folder) / part)]
        sys.modules[name] = package
    return importlib.import_module("yolox.tracker.byte_tracker"), importlib.import_module("yolox.tracker.basetrack")


def record_matches(tracks):
    """Lets every track remember the detection it took last, and counts what happened."""
    counts = dict.fromkeys(("second_association", "found_again", "unconfirmed_removed", "duplicates"), 0)
    originals = {name: getattr(tracks.STrack, name) for name in ("activate", "update", "re_activate", "mark_removed")}
    remove_duplicates = tracks.remove_duplicate_stracks

    def activate(self, *args):
        self.taken = tuple(self._tlwh)
        return originals["activate"](self, *args)

    def update(self, new_track, frame_id):
        self.taken = tuple(new_track._tlwh)
        return originals["update"](self, new_track, frame_id)

    def re_activate(self, new_track, frame_id, new_id=False):
        self.taken = tuple(new_track._tlwh)
        counts["found_again"] += 1
        return originals["re_activate"](self, new_track, frame_id, new_id)

    def mark_removed(self):
        counts["unconfirmed_removed"] += not self.is_activated
        return originals["mark_removed"](self)

    def remove_duplicate_stracks(tracked, lost):
        kept = remove_duplicates(tracked, lost)
        counts["duplicates"] += len(tracked) + len(lost) - len(kept[0]) - len(kept[1])
        return kept

    tracks.STrack.activate, tracks.STrack.update, tracks.STrack.re_activate = activate, update, re_activate
    tracks.STrack.mark_removed, tracks.remove_duplicate_stracks = mark_removed, remove_duplicate_stracks
    return counts


def run(tracks, base, frames, options, counts):
    """For each frame a list of (track ID, index of its detection, box)."""
    base.BaseTrack._count = 0
    args = types.SimpleNamespace(**{name: options[name] for name in ("track_thresh", "match_thresh", "track_buffer", "mot20")})
    tracker = tracks.BYTETracker(args, frame_rate=options["frame_rate"])
    result = []
    for detections in frames:
        rows = np.array([[x, y, x + w, y + h, score] for x, y, w, h, score in detections], float).reshape(-1, 5)
        index = {tuple(tracks.STrack.tlbr_to_tlwh(row[:4])): i for i, row in enumerate(rows)}
        if len(index) != len(rows):
            raise ValueError("two equal boxes in a frame: the original may take either")
        out = []
        for track in tracker.update(rows, (1, 1), (1, 1)):
            i = index[track.taken]
            counts["second_association"] += detections[i][4] < options["track_thresh"]
            out.append((track.track_id, i, track.tlwh))
        result.append(sorted(out, key=lambda row: row[1]))
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bytetrack", required=True)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    tracks, base = load(args.bytetrack)
    counts = record_matches(tracks)
    scenes = {name: make()[1] for name, make in SCENES.items()}
    lines = []
    for given in RUNS:
        options = {**DEFAULTS, **{name: value for name, value in given.items() if name in DEFAULTS}}
        counts.update(dict.fromkeys(counts, 0))
        rows = run(tracks, base, scenes[given["scene"]], options, counts)
        entry = {"scene": given["scene"], **options}
        entry["matches"] = [" ".join(f"{track_id}:{i}" for track_id, i, _ in frame) for frame in rows]
        if given.get("boxes"):
            entry["boxes"] = [" ".join(",".join(number(v, 3) for v in box) for _, _, box in frame) for frame in rows]
        lines.append(json.dumps(entry, separators=(",", ":")))
        print(given["scene"], {k: v for k, v in given.items() if k != "scene"}, sum(map(len, rows)), "rows,", dict(counts))
    detections = {
        name: [" ".join(",".join(number(v, 2) for v in row) for row in frame) for frame in frames] for name, frames in scenes.items()
    }
    scene_lines = ",\n".join(f"{json.dumps(name)}:{json.dumps(frames, separators=(',', ':'))}" for name, frames in detections.items())
    text = '{"scenes":{\n' + scene_lines + '\n},\n"runs":[\n' + ",\n".join(lines) + "\n]}\n"
    (args.output / "bytetrack.json").write_text(text)
    print(args.output / "bytetrack.json", len(text), "bytes")


if __name__ == "__main__":
    main()
