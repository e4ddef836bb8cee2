"""What a plain reference of SCRFD's letterbox, decoding and NMS gives for made-up network outputs: fixture of packages/core.

    python scrfd.py --reference FILE [--output DIR]

FILE is scrfd_reference.py of the shared data (../shared/peers), whose functions are imported.
"""

import argparse
import base64
import importlib.util
import json
import sys
import types
from pathlib import Path

import numpy as np

from scenes import Draw, number

REPOSITORY = Path(__file__).resolve().parents[3]
OUTPUT = REPOSITORY / "packages/core/src/fixtures"
# Width and height of the picture, preset, the size that is asked for, strides, landmarks.
CASES = [
    (200, 113, "runtime", (160, 160), 3, True),
    (113, 200, "runtime", (160, 160), 3, True),
    (611, 87, "runtime", (320, 160), 3, True),
    (87, 611, "paper", (160, 320), 3, True),
    (640, 480, "paper", (256, 256), 5, False),
    (333, 101, "runtime", 160, 3, False),
    (1201, 797, "runtime", {"pixels": 40_000}, 3, True),
    (431, 997, "runtime", (128, 256), 5, True),
    (77, 55, "paper", (160, 128), 3, True),
    (50, 37, "runtime", (128, 128), 5, True),
]
TENSORS = [(41, 23, "runtime", (32, 32)), (23, 41, "paper", (32, 32)), (9, 7, "runtime", (64, 32))]


def load(path):
    """The reference's module, without ONNX Runtime, which it imports for the network only."""
    sys.modules.setdefault("onnxruntime", types.ModuleType("onnxruntime"))
    spec = importlib.util.spec_from_file_location("scrfd_reference", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def picture(width, height):
    """RGB pixels by a formula that the test knows too."""
    y, x, c = np.mgrid[:height, :width, :3]
    return ((x * 37 + y * 61 + c * 101 + x * y * 7) % 256).astype(np.uint8)


def anchors_of(reference, canvas, scaled, strides, seed):
    """Network outputs as a list of stride, row, score, four distances and ten offsets; each face is seen by several anchors."""
    draw = Draw(seed)
    per_cell = 2 if strides == 3 else 1
    rows = {}
    for _ in range(9):
        stride = reference.STRIDES[strides][int(draw.uniform(0, min(strides, 4)))]
        columns, lines = canvas[0] // stride, canvas[1] // stride
        if not columns or not lines:
            continue
        cx, cy = draw.uniform(0, scaled[0]), draw.uniform(0, scaled[1])
        side = stride * draw.uniform(1.5, 5)
        for _ in range(int(draw.uniform(1, 5))):
            column = min(max(int(cx / stride + draw.uniform(-0.6, 0.6)), 0), columns - 1)
            line = min(max(int(cy / stride + draw.uniform(-0.6, 0.6)), 0), lines - 1)
            row = (line * columns + column) * per_cell + int(draw.uniform(0, per_cell))
            left, top = column * stride - (cx - side / 2), line * stride - (cy - 0.6 * side)
            distances = [left, top, side - left, 1.2 * side - top]
            distances = [(v + draw.normal(0.08 * side)) / stride for v in distances]
            points = [(v + draw.normal(0.05 * side)) / stride for v in [cx - column * stride, cy - line * stride] * 5]
            score = draw.uniform(0.3, 0.999) if draw.random() < 0.8 else draw.uniform(0.01, 0.6)
            rows[stride, row] = [stride, row, round(score, 5), *[round(v, 3) for v in distances + points]]
    # The thresholds themselves.
    rows[8, 0] = [8, 0, 0.5, 0, 0, 2, 2, *[0] * 10]
    rows[8, 5] = [8, 5, 0.02, 0, 0, 2, 2, *[0] * 10]
    scores = [row[2] for row in rows.values()]
    if len(set(scores)) != len(scores):
        raise ValueError("two equal scores: NMS may keep either")
    return list(rows.values())


class Session:
    """Stands in for the network: the same outputs whatever it sees."""

    def __init__(self, reference, canvas, strides, landmarks, rows):
        per_cell = 2 if strides == 3 else 1
        self.outputs, self.feed = [], None
        for numbers in (1, 4, 10)[: 3 if landmarks else 2]:
            begin = {1: 2, 4: 3, 10: 7}[numbers]
            for stride in reference.STRIDES[strides]:
                values = np.zeros((canvas[0] // stride * (canvas[1] // stride) * per_cell, numbers), np.float32)
                for row in rows:
                    if row[0] == stride:
                        values[row[1]] = row[begin : begin + numbers]
                self.outputs.append(values)

    def get_inputs(self):
        return [types.SimpleNamespace(name="input", shape=["batch", 3, "height", "width"])]

    def run(self, _, feeds):
        self.feed = feeds["input"]
        return self.outputs


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", required=True)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    reference = load(args.reference)
    lines = []
    for seed, (width, height, preset, size, strides, landmarks) in enumerate(CASES, 91):
        canvas, scaled = reference.place(width, height, size, preset)
        rows = anchors_of(reference, canvas, scaled, strides, seed)
        session = Session(reference, canvas, strides, landmarks, rows)
        faces = reference.detect(session, picture(width, height), preset, size)
        asked = dict(zip(("width", "height"), size)) if isinstance(size, tuple) else size
        entry = {"width": width, "height": height, "preset": preset, "inputSize": asked, "strides": strides, "landmarks": landmarks}
        entry.update(canvas=canvas, scaled=scaled, outputs=rows if landmarks else [row[:7] for row in rows])
        entry["faces"] = [
            ",".join(
                number(v, 4)
                for v in (*face["box"].values(), face["score"], *(v for point in face.get("landmarks", []) for v in point.values()))
            )
            for face in faces
        ]
        lines.append(json.dumps(entry, separators=(",", ":")))
        print(width, height, preset, size, strides, "canvas", canvas, "scaled", scaled, len(rows), "anchors,", len(faces), "faces")
    tensors = []
    for width, height, preset, canvas in TENSORS:
        _, scaled = reference.place(width, height, canvas, preset)
        # The picture is RGB; the reference takes BGR, as OpenCV reads it.
        tensor = reference.make_tensor(picture(width, height)[:, :, ::-1], canvas, scaled, preset)
        padding = 127.5 if preset == "paper" else 0
        full = tensor[0] * 128 + 127.5
        levels = np.rint(full[:, : scaled[1], : scaled[0]]).astype(np.uint8)
        full[:, : scaled[1], : scaled[0]] = padding
        assert np.all(full == padding)
        entry = {"width": width, "height": height, "preset": preset, "canvas": canvas, "scaled": scaled}
        tensors.append(
            json.dumps({**entry, "padding": padding, "levels": base64.b64encode(levels.tobytes()).decode()}, separators=(",", ":"))
        )
    text = '{"cases":[\n' + ",\n".join(lines) + '\n],\n"tensors":[\n' + ",\n".join(tensors) + "\n]}\n"
    (args.output / "parity-scrfd.json").write_text(text)
    print(args.output / "parity-scrfd.json", len(text), "bytes")


if __name__ == "__main__":
    main()
