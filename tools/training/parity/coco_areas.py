"""Writes packages/eval/src/detection/fixtures/pycocotools-areas.json: random annotations whose `area` differs from
width * height, with `ignore` and `iscrowd` set, random detections, and what pycocotools gives for them.

Usage: python tools/training/parity/coco_areas.py [--output FOLDER] [--seed N] [--images N]
Needs pycocotools (PyPI; the fixture was made with 2.0.11).
"""

import argparse
import contextlib
import io
import json
import random
from pathlib import Path

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

FIXTURES = Path(__file__).resolve().parents[3] / "packages/eval/src/detection/fixtures"
METRICS = ["AP", "AP50", "AP75", "APsmall", "APmedium", "APlarge", "AR1", "AR10", "ARmax"]


def scenes(seed: int, count: int):
    """Ground truth and detections of `count` images."""
    rng = random.Random(seed)
    images, annotations, results = [], [], []
    for image_id in range(1, count + 1):
        images.append({"id": image_id, "file_name": f"set/{image_id:03}.jpg", "width": 640, "height": 480})
        for _ in range(rng.choice([0, 3, 6, 16])):
            side = rng.choice([rng.uniform(12, 60), rng.uniform(60, 200)])
            box = [rng.uniform(0, 500), rng.uniform(0, 380), side, side * rng.uniform(0.8, 1.4)]
            box = [round(v, 1) for v in box]
            # A mask fills a part of its box; some areas lie exactly on a border of the size ranges.
            area = rng.choice([box[2] * box[3] * rng.uniform(0.2, 1.1), 32**2, 96**2, box[2] * box[3]])
            entry = {"id": len(annotations) + 1, "image_id": image_id, "category_id": 1, "bbox": box, "area": round(area, 2)}
            entry["iscrowd"] = int(rng.random() < 0.12)
            if rng.random() < 0.3:
                entry["ignore"] = 1
            annotations.append(entry)
            for _ in range(rng.choice([0, 1, 1, 2])):
                jitter = [round(v + rng.gauss(0, 0.06) * box[2], 1) for v in box]
                jitter[2:] = [max(1.0, v) for v in jitter[2:]]
                results.append({"image_id": image_id, "category_id": 1, "bbox": jitter, "score": round(rng.random(), 2)})
        for _ in range(rng.randint(0, 3)):
            box = [round(rng.uniform(low, high), 1) for low, high in ((0, 500), (0, 380), (10, 150), (10, 150))]
            results.append({"image_id": image_id, "category_id": 1, "bbox": box, "score": round(rng.random(), 2)})
    return {"categories": [{"id": 1, "name": "face"}], "images": images, "annotations": annotations}, results


def evaluate(truth: dict, results: list) -> dict:
    """The figures of pycocotools for one class; -1 (no face of that size) becomes None."""
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = json.loads(json.dumps(truth))
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(json.loads(json.dumps(results))), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    stats = [float(v) for v in evaluation.stats[:9]]
    return {name: None if value == -1 else value for name, value in zip(METRICS, stats)}


def rows(values: list) -> str:
    """JSON with one value per line."""
    return "[\n" + ",\n".join(json.dumps(v, separators=(",", ":")) for v in values) + "]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=FIXTURES)
    parser.add_argument("--seed", type=int, default=23)
    parser.add_argument("--images", type=int, default=16)
    options = parser.parse_args()
    truth, results = scenes(options.seed, options.images)
    (options.output / "pycocotools-areas.json").write_text(
        f'{{"expected":{json.dumps(evaluate(truth, results))},\n'
        f'"truth":{{"categories":{json.dumps(truth["categories"])},\n"images":{rows(truth["images"])},\n'
        f'"annotations":{rows(truth["annotations"])}}},\n"results":{rows(results)}}}\n'
    )


if __name__ == "__main__":
    main()
