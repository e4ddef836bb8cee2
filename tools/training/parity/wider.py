"""What the official WIDER FACE protocol gives for a small made-up data set: fixtures of packages/eval.

    python wider.py --evaluation DIR [--output DIR]

DIR is a clone of wondervictor/WiderFace-Evaluation, of which evaluation.py is imported. Its overlaps, which are written in
Cython, are computed here by the same formula in NumPy.
"""

import argparse
import contextlib
import importlib.util
import io
import json
import re
import sys
import tempfile
import types
from pathlib import Path

import numpy as np
from scipy.io import savemat

from scenes import Draw, number

REPOSITORY = Path(__file__).resolve().parents[3]
OUTPUT = REPOSITORY / "packages/eval/src/wider/fixtures"
EVENTS = {"0--Parade": 12, "13--Interview": 1, "61--Street_Battle": 11}
SETTINGS = ("easy", "medium", "hard")
ATTRIBUTES = {"blur": 3, "expression": 2, "illumination": 2, "invalid": 2, "occlusion": 3, "pose": 2}


def bbox_overlaps(boxes, query_boxes):
    """Intersection over union of x1, y1, x2, y2 with the last pixel counted, as box_overlaps.pyx."""
    a, b = boxes[:, None], query_boxes[None]
    area = (b[..., 2] - b[..., 0] + 1) * (b[..., 3] - b[..., 1] + 1)
    iw = np.minimum(a[..., 2], b[..., 2]) - np.maximum(a[..., 0], b[..., 0]) + 1
    ih = np.minimum(a[..., 3], b[..., 3]) - np.maximum(a[..., 1], b[..., 1]) + 1
    shared = iw * ih
    union = (a[..., 2] - a[..., 0] + 1) * (a[..., 3] - a[..., 1] + 1) + area - shared
    return np.where((iw > 0) & (ih > 0), shared / union, 0)


def load(folder):
    """The evaluation module with our overlaps in place of its extension, and without progress bars."""
    package, extension = types.ModuleType("widerface_eval"), types.ModuleType("widerface_eval.bbox")
    extension.bbox_overlaps = bbox_overlaps
    sys.modules.update(
        {"widerface_eval": package, "widerface_eval.bbox": extension, "bbox": extension, "IPython": types.ModuleType("IPython")}
    )
    sys.modules["IPython"].embed = None
    spec = importlib.util.spec_from_file_location("widerface_eval.evaluation", Path(folder) / "evaluation.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def images(seed=81, events=EVENTS):
    """Per image: event, name, faces with attributes, which of them each setting counts, predictions by falling score."""
    draw = Draw(seed)

    def whole(low, high):
        return int(draw.uniform(low, high + 1))

    result = []
    for event, count in events.items():
        for i in range(count):
            faces, attributes, counted = [], [], {setting: [] for setting in SETTINGS}
            # An image without faces, which the official code passes over; its predictions count nowhere.
            for f in range(0 if i == 5 else whole(1, 14)):
                height = whole(6, 120)
                faces.append([whole(0, 900), whole(0, 600), max(4, round(height * draw.uniform(0.6, 0.9))), height])
                attributes.append([whole(0, levels - 1) if draw.random() < 0.4 else 0 for levels in ATTRIBUTES.values()])
                invalid = attributes[-1][3]
                for setting, least in zip(SETTINGS, (60, 30, 10)):
                    if height >= least and not invalid and draw.random() < 0.95:
                        counted[setting].append(f + 1)
            found = []
            for x, y, w, h in faces:
                for _ in range(1 if draw.random() < 0.7 else whole(0, 3)):
                    kind = draw.random()
                    score = round(draw.uniform(0.02, 0.98) ** 0.6, 2 if kind < 0.5 else 5)
                    if kind < 0.15:
                        # An overlap of exactly a half: the same box, half as high with its last pixel.
                        found.append((x, y, w, (h + 1) / 2 - 1, score))
                    elif kind < 0.3:
                        found.append((x, y, w, h, score))
                    else:
                        box = [round(v + draw.normal(0.1 * h), 1) for v in (x, y, w, h)]
                        found.append((*box[:2], max(box[2], 2), max(box[3], 2), score))
            for _ in range(whole(0, 5)):
                side = whole(5, 80)
                found.append((whole(0, 900), whole(0, 600), side, side, round(0.5 * draw.random() + 0.01, 3)))
            # An image of which nothing is predicted.
            if i == 3:
                found = []
            found = sorted(draw.shuffled(found), key=lambda row: -row[4])
            result.append(
                {
                    "event": event,
                    "name": f"{event.replace('--', '_')}_{i}",
                    "faces": faces,
                    "attributes": attributes,
                    "counted": counted,
                    "found": [" ".join(number(v, 5) for v in row) for row in found],
                }
            )
    return result


def cells(values):
    """A column of MATLAB cells."""
    column = np.empty((len(values), 1), object)
    for i, value in enumerate(values):
        column[i, 0] = value
    return column


def write_ground_truth(folder, data):
    """The four .mat files; the first is compressed, as the official ones are."""
    events = list(dict.fromkeys(image["event"] for image in data))

    def per_image(value):
        return cells([cells([value(image) for image in data if image["event"] == event]) for event in events])

    lists = {"event_list": cells(events), "file_list": per_image(lambda image: image["name"])}
    face = {**lists, "face_bbx_list": per_image(lambda image: np.array(image["faces"], np.int16).reshape(-1, 4))}
    for k, attribute in enumerate(ATTRIBUTES):
        face[f"{attribute}_label_list"] = per_image(
            lambda image, k=k: np.array([row[k] for row in image["attributes"]], np.uint8).reshape(-1, 1)
        )
    files = {"face": face}
    for setting in SETTINGS:
        files[setting] = {**lists, "gt_list": per_image(lambda image, s=setting: np.array(image["counted"][s], np.uint16).reshape(-1, 1))}
    for name, variables in files.items():
        path = folder / f"wider_{name}_val.mat"
        savemat(path, variables, do_compression=name == "face")
        # SciPy writes the time into the header's text.
        header = b"MATLAB 5.0 MAT-file, written by tools/training/parity/wider.py with SciPy".ljust(116)
        path.write_bytes(header + path.read_bytes()[116:])


def official_ap(module, truth, data):
    """Easy, medium and hard AP as the official code prints them."""
    with tempfile.TemporaryDirectory() as folder:
        for image in data:
            file = Path(folder) / image["event"] / f"{image['name']}.txt"
            file.parent.mkdir(exist_ok=True)
            file.write_text("".join(f"{line}\n" for line in [image["name"], len(image["found"]), *image["found"]]))
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()), np.errstate(invalid="ignore"):
            module.evaluation(folder, str(truth))
    return {setting: float(ap) for setting, ap in zip(SETTINGS, re.findall(r"Val AP: (\S+)", printed.getvalue()), strict=True)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--evaluation", required=True)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    data = images()
    write_ground_truth(args.output, data)
    expected = official_ap(load(args.evaluation), args.output, data)
    print(expected)
    predictions = {f"{image['event']}/{image['name']}": image["found"] for image in data}
    rows = ",\n".join(f"{json.dumps(name)}:{json.dumps(found, separators=(',', ':'))}" for name, found in predictions.items())
    text = f'{{"expected":{json.dumps(expected)},\n"predictions":{{\n{rows}\n}}}}\n'
    (args.output / "parity-wider.json").write_text(text)
    for path in sorted(args.output.iterdir()):
        print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
