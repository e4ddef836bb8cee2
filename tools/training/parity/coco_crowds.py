"""What pycocotools gives for crowded images: fixture of packages/eval (the limit of detections per image,
equal scores, equal boxes, overlaps that equal a threshold).

python coco_crowds.py [--output DIR]
"""

import argparse
import contextlib
import copy
import io
import json
from pathlib import Path

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from scenes import Draw

REPOSITORY = Path(__file__).resolve().parents[3]
OUTPUT = REPOSITORY / "packages/eval/src/detection/fixtures"
LIMITS = (100, 40)
IMAGES = 5


def make():
    """Truth and results with whole pixels, so that equal overlaps happen. Every image has more detections than the limits."""
    draw = Draw(71)
    whole = lambda low, high: int(draw.uniform(low, high + 1))  # noqa: E731
    images = [{"id": 10 * i + 3, "file_name": f"crowds/{i}.jpg", "width": 640, "height": 480} for i in range(IMAGES)]
    annotations, results = [], []
    for image in images:
        for _ in range(whole(30, 60)):
            side = (20, whole(8, 48), whole(90, 140))[whole(0, 2)]
            box = [whole(0, 640 - side), whole(0, 480 - side), side, whole(side, side + 10)]
            kind = draw.random()
            area = 32**2 if kind < 0.05 else 96**2 if kind < 0.08 else box[2] * box[3] if kind < 0.6 else whole(20, 12_000)
            entry = {"id": len(annotations) + 1, "image_id": image["id"], "category_id": 1, "bbox": box, "area": area}
            annotations.append({**entry, "iscrowd": int(draw.random() < 0.08)})
            for _ in range(whole(1, 5)):
                spread = side / 8
                near = [round(v + draw.normal(spread)) for v in box]
                near[2:] = [max(v, 2) for v in near[2:]]
                if side % 5 == 0 and draw.random() < 0.5:
                    # An overlap of a threshold exactly: 0.60, 0.80 or, with sides in twenties, any.
                    near = [*box[:2], side * whole(10, 19) // 20, box[3]]
                # Few levels of score: many are equal, within an image and between images.
                results.append({"image_id": image["id"], "category_id": 1, "bbox": near, "score": whole(1, 25) / 25})
            if draw.random() < 0.1:
                results.append(copy.deepcopy(results[-1]))
    return {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "face"}]}, results


def evaluate(truth, results, limit):
    """COCO's figures with at most 1, 10 and `limit` detections per image. None where no face counts."""
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = copy.deepcopy(truth)
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(copy.deepcopy(results)), "bbox")
        evaluation.params.maxDets = [1, 10, limit]
        evaluation.evaluate()
        evaluation.accumulate()
    # Precision by overlap, recall, category, area (all, small, medium, large) and limit; recall without the second.
    precision, recall = evaluation.eval["precision"], evaluation.eval["recall"]

    def mean(values):
        values = values[values > -1]
        return float(np.mean(values)) if values.size else None

    ap = {f"AP{name}": mean(precision[:, :, :, area, 2]) for area, name in enumerate(("", "small", "medium", "large"))}
    return {
        **ap,
        "AP50": mean(precision[0, :, :, 0, 2]),
        "AP75": mean(precision[5, :, :, 0, 2]),
        "AR1": mean(recall[:, :, 0, 0]),
        "AR10": mean(recall[:, :, 0, 1]),
        "ARmax": mean(recall[:, :, 0, 2]),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    truth, results = make()
    expected = {str(limit): evaluate(truth, results, limit) for limit in LIMITS}
    for limit, figures in expected.items():
        print(limit, {name: round(value, 4) for name, value in figures.items()})
    # Rows without their names: the test puts them back.
    annotations = [[row["image_id"], *row["bbox"], row["area"], row["iscrowd"]] for row in truth["annotations"]]
    detections = [[row["image_id"], *row["bbox"], row["score"]] for row in results]
    lists = {"images": truth["images"], "annotations": annotations, "results": detections}
    rows = {name: ",\n".join(json.dumps(row, separators=(",", ":")) for row in value) for name, value in lists.items()}
    text = f'{{"expected":{json.dumps(expected)}' + "".join(f',\n"{name}":[\n{value}\n]' for name, value in rows.items()) + "}\n"
    (args.output / "parity-pycocotools.json").write_text(text)
    print(args.output / "parity-pycocotools.json", len(text), "bytes,", len(truth["annotations"]), "annotations,", len(results), "results")


if __name__ == "__main__":
    main()
