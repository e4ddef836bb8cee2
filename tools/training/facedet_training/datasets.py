"""Read labeled faces from the formats people have: WIDER FACE, RetinaFace, VOC, YOLO and COCO.

Every reader yields `Sample`s. Boxes are `x1 y1 x2 y2` in pixels; landmarks are five points in the order left eye, right eye,
nose, left mouth corner, right mouth corner, NaN where a label has none.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
NO_LANDMARKS = np.full((5, 2), np.nan, np.float32)


@dataclass
class Sample:
    """One image and its faces. `ignore[i]` marks a face that is neither taught nor punished."""

    image: Path
    boxes: np.ndarray
    landmarks: np.ndarray
    ignore: np.ndarray
    source: str = ""
    name: str = field(default="")


def make_sample(image: Path, rows: Iterable[tuple], source: str = "", name: str = "") -> Sample:
    """`rows` are (box of four, landmarks 5×2 or None, ignore)."""
    rows = list(rows)
    boxes = np.array([row[0] for row in rows], np.float32).reshape(-1, 4)
    points = np.array([NO_LANDMARKS if row[1] is None else row[1] for row in rows], np.float32).reshape(-1, 5, 2)
    ignore = np.array([row[2] for row in rows], bool)
    return Sample(image, boxes, points, ignore, source, name or image.name)


def fail(path: Path, line: int, expected: str, found: str) -> ValueError:
    return ValueError(f"{path}:{line}: expected {expected}, found {found!r}; correct the file or leave the image out")


def read_wider(labels: Path, images: Path, source: str = "") -> Iterator[Sample]:
    """WIDER FACE's text format: path, count, then `x y w h blur expression illumination invalid occlusion pose` a line.

    Faces marked invalid, or with a side below one pixel, are ignored. An image of no face has one line of zeros.
    """
    lines = labels.read_text().splitlines()
    at = 0
    while at < len(lines):
        name = lines[at].strip()
        if not name:
            at += 1
            continue
        if at + 1 >= len(lines) or not lines[at + 1].strip().isdigit():
            found = lines[at + 1] if at + 1 < len(lines) else "the end of the file"
            raise fail(labels, at + 2, f"the number of faces of {name}", found)
        count = int(lines[at + 1])
        rows = []
        for i in range(at + 2, at + 2 + max(count, 0)):
            try:
                numbers = [float(v) for v in lines[i].split()]
                x, y, w, h = numbers[:4]
            except (IndexError, ValueError) as error:
                found = lines[i] if i < len(lines) else "the end of the file"
                raise fail(labels, i + 1, "x y w h and attributes", found) from error
            invalid = len(numbers) > 7 and numbers[7] == 1
            rows.append(((x, y, x + w, y + h), None, invalid or w < 1 or h < 1))
        at += 2 + count
        if count == 0 and at < len(lines) and lines[at].split()[:4] == ["0"] * 4:
            at += 1
        yield make_sample(images / name, rows, source, name)


def read_retinaface(labels: Path, images: Path, source: str = "") -> Iterator[Sample]:
    """RetinaFace's label.txt: `# path`, then `x y w h` and, where labeled, five `x y visibility` and a blur figure a line.

    A face whose first landmark is -1 has none.
    """
    name, rows = "", []
    for number, line in enumerate(labels.read_text().splitlines(), 1):
        line = line.strip()
        if not line:
            continue
        if line.startswith("#"):
            if name:
                yield make_sample(images / name, rows, source, name)
            name, rows = line[1:].strip(), []
            continue
        try:
            numbers = [float(v) for v in line.split()]
            x, y, w, h = numbers[:4]
        except ValueError as error:
            raise fail(labels, number, "x y w h and landmarks", line) from error
        points = None
        if len(numbers) >= 19 and numbers[4] >= 0:
            points = np.array(numbers[4:19], np.float32).reshape(5, 3)[:, :2]
        rows.append(((x, y, x + w, y + h), points, w < 1 or h < 1))
    if name:
        yield make_sample(images / name, rows, source, name)


def read_voc(annotations: Path, images: Path, source: str = "", labels: set[str] | None = None) -> Iterator[Sample]:
    """Pascal VOC: a folder of XML files. `labels` narrows the object names; by default every object is a face."""
    for path in sorted(annotations.glob("**/*.xml")):
        try:
            root = ElementTree.parse(path).getroot()
        except ElementTree.ParseError as error:
            raise ValueError(f"{path}: expected Pascal VOC XML, found text that does not parse ({error})") from error
        rows = []
        for item in root.iter("object"):
            if labels is not None and item.findtext("name") not in labels:
                continue
            box = item.find("bndbox")
            if box is None:
                raise ValueError(f"{path}: expected a bndbox in every object, found an object without one")
            x1, y1, x2, y2 = (float(box.findtext(key, "nan")) for key in ("xmin", "ymin", "xmax", "ymax"))
            if not np.isfinite([x1, y1, x2, y2]).all():
                raise ValueError(f"{path}: expected xmin, ymin, xmax and ymax in bndbox, found one missing")
            # `difficult` objects count neither way in VOC's own protocol.
            difficult = item.findtext("difficult", "0").strip() == "1"
            rows.append(((x1, y1, x2, y2), None, difficult or x2 - x1 < 1 or y2 - y1 < 1))
        name = root.findtext("filename") or path.with_suffix(".jpg").name
        yield make_sample(images / name, rows, source, name)


def read_yolo(labels: Path, images: Path, source: str = "", classes: set[int] | None = None) -> Iterator[Sample]:
    """YOLO: beside each image a text file of `class cx cy w h` in fractions, optionally five `x y` or `x y visibility`."""
    import cv2

    for image in sorted(p for p in images.glob("**/*") if p.suffix.lower() in IMAGE_SUFFIXES):
        path = (labels / image.relative_to(images)).with_suffix(".txt")
        if not path.exists():
            continue
        picture = cv2.imread(str(image))
        if picture is None:
            raise ValueError(f"{image}: expected a picture, OpenCV can't read it")
        height, width = picture.shape[:2]
        rows = []
        for number, line in enumerate(path.read_text().splitlines(), 1):
            try:
                numbers = [float(v) for v in line.split()]
                if not numbers:
                    continue
                kind, cx, cy, w, h = numbers[:5]
            except ValueError as error:
                raise fail(path, number, "class cx cy w h", line) from error
            if classes is not None and int(kind) not in classes:
                continue
            box = ((cx - w / 2) * width, (cy - h / 2) * height, (cx + w / 2) * width, (cy + h / 2) * height)
            points = None
            rest = numbers[5:]
            if len(rest) in (10, 15) and min(rest) >= 0:
                points = np.array(rest, np.float32).reshape(5, -1)[:, :2] * (width, height)
            rows.append((box, points, w * width < 1 or h * height < 1))
        yield make_sample(image, rows, source, str(image.relative_to(images)))


def read_coco(annotations: Path, images: Path, source: str = "", categories: set[int] | None = None) -> Iterator[Sample]:
    """COCO JSON; `iscrowd` faces are ignored, `keypoints` of five points become landmarks."""
    try:
        document = json.loads(annotations.read_text())
        listed, objects = document["images"], document["annotations"]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"{annotations}: expected COCO JSON with images and annotations, found {error}") from error
    by_image: dict[int, list] = {}
    for item in objects:
        if categories is not None and item["category_id"] not in categories:
            continue
        x, y, w, h = item["bbox"]
        points = None
        keypoints = item.get("keypoints") or []
        if len(keypoints) == 15:
            points = np.array(keypoints, np.float32).reshape(5, 3)
            points = np.where(points[:, 2:] > 0, points[:, :2], np.nan)
        ignored = bool(item.get("iscrowd")) or w < 1 or h < 1
        by_image.setdefault(item["image_id"], []).append(((x, y, x + w, y + h), points, ignored))
    for entry in listed:
        yield make_sample(images / entry["file_name"], by_image.get(entry["id"], []), source, entry["file_name"])


READERS = {"wider": read_wider, "retinaface": read_retinaface, "voc": read_voc, "yolo": read_yolo, "coco": read_coco}


def read_set(spec: dict, root: Path) -> list[Sample]:
    """One entry of a config's `data.sets`: `{name, format, labels, images, …}`, paths relative to `root`."""
    kind = spec.get("format", "wider")
    if kind not in READERS:
        raise ValueError(f"data set {spec.get('name')}: expected format {', '.join(READERS)}, found {kind!r}")
    labels, images = root / spec["labels"], root / spec["images"]
    for path in (labels, images):
        if not path.exists():
            raise FileNotFoundError(
                f"data set {spec.get('name')}: expected {path}, which does not exist; give --data-root the folder that holds it"
            )
    return list(READERS[kind](labels, images, spec.get("name", "")))
