"""Boxes and landmarks stay on their faces through every augmentation; a contact sheet is written for the eye."""

import os
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from facedet_training.augment import MIRRORED, Augmentation, cut, degrade, training_crop, value_table

from .synthetic import drawn_cache

PLAIN = Augmentation(size=160, crops=(0.5, 0.8, 1.2), flip=0, photometric=0, saturation=0, grey=0, blur=0, jpeg=0, dark=0, cutout=0)
# RGB of the five points as tests/synthetic.py draws them.
COLORS = np.array([[0, 0, 255], [255, 0, 0], [0, 255, 0], [0, 255, 255], [255, 0, 255]])
SHEET = Path(os.environ.get("FACEDET_CONTACT_SHEET", Path(__file__).resolve().parents[1] / "runs" / "augmentations.png"))


def crops(options, count=40, seed=0):
    cache = drawn_cache(6, seed=seed)
    for n in range(count):
        i = n % len(cache)
        own = cache.faces(i)
        rng = np.random.default_rng((seed, n))
        yield training_crop(rng, cache.image(i), cache.boxes[own], cache.landmarks[own], cache.ignore[own], options)


def color_distance(pixels, point, color, reach=2):
    x, y = np.rint(point).astype(int)
    patch = pixels[max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1].reshape(-1, 3).astype(int)
    return np.abs(patch - color).sum(1).min() if len(patch) else 0


@pytest.mark.parametrize("flip", [0, 1])
def test_landmarks_lie_on_their_drawn_points(flip):
    seen = 0
    for pixels, boxes, points, ignore in crops(replace(PLAIN, flip=flip)):
        for box, face in zip(boxes[~ignore], points[~ignore]):
            # In a mirror the label "left eye" goes to the eye that is on the left now, which was drawn as the right one.
            colors = COLORS[MIRRORED] if flip else COLORS
            for point, color in zip(face, colors):
                if (point > 3).all() and (point < 157).all() and box[2] - box[0] > 30:
                    assert color_distance(pixels, point, color) < 160
                    seen += 1
    assert seen > 50


@pytest.mark.parametrize("flip", [0, 1])
def test_left_stays_left(flip):
    for _, _, points, ignore in crops(replace(PLAIN, flip=flip)):
        assert (points[~ignore][:, 0, 0] < points[~ignore][:, 1, 0]).all()
        assert (points[~ignore][:, 3, 0] < points[~ignore][:, 4, 0]).all()


def test_boxes_hold_the_drawn_skin():
    skin = np.array([225, 170, 120])
    checked = 0
    for pixels, boxes, _, ignore in crops(PLAIN):
        for x1, y1, x2, y2 in boxes[~ignore]:
            if x2 - x1 < 24 or min(x1, y1) < 1 or max(x2, y2) > 159:
                continue
            near = (np.abs(pixels.astype(int) - skin).sum(2) < 60).astype(np.uint8)
            margin = 3
            inside = near[int(y1) : int(np.ceil(y2)), int(x1) : int(np.ceil(x2))].sum()
            around = near[max(0, int(y1) - margin) : int(y2) + margin + 1, max(0, int(x1) - margin) : int(x2) + margin + 1].sum()
            assert inside > 0.5 * (x2 - x1) * (y2 - y1) * np.pi / 4
            assert around - inside <= 0.03 * inside + 4
            checked += 1
    assert checked > 10


def test_every_crop_shows_a_taught_face_and_keeps_boxes_inside():
    for _, boxes, _, ignore in crops(replace(PLAIN, crops=(0.3, 2.0)), 80):
        assert (~ignore).any()
        assert (boxes >= 0).all() and (boxes <= 160).all() and (boxes[:, 2:] > boxes[:, :2]).all()


def test_small_faces_are_ignored():
    for _, boxes, _, ignore in crops(replace(PLAIN, smallest=20)):
        sides = np.sqrt((boxes[:, 2:] - boxes[:, :2]).prod(1))
        assert ignore[sides < 20].all()


def test_a_crop_of_the_whole_picture_is_the_picture():
    image = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    assert np.array_equal(cut(image, 0, 0, 64, 64), image)


def test_beyond_the_picture_lies_128():
    image = np.zeros((40, 40, 3), np.uint8)
    out = cut(image, -20, -20, 80, 80)
    assert (out[:15] == 128).all() and (out[:, :15] == 128).all() and (out[65:] == 128).all() and (out[25:55, 25:55] == 0).all()


@pytest.mark.parametrize("kind", ["photometric", "saturation", "grey", "blur", "jpeg", "dark", "cutout"])
def test_each_change_of_values_changes_values_only(kind):
    image = np.random.default_rng(1).integers(60, 200, (80, 80, 3), np.uint8)
    image = cv2.GaussianBlur(image, (0, 0), 2)
    options = replace(PLAIN, **{kind: 1.0})
    boxes = np.array([[10, 10, 50, 60]], np.float32)
    out = degrade(np.random.default_rng(2), image.copy(), boxes, options)
    assert out.shape == image.shape and out.dtype == np.uint8
    assert not np.array_equal(out, image)
    if kind == "cutout":
        changed = np.argwhere((out != image).any(2))
        assert changed.min(0).min() >= 9 and (changed.max(0) <= (61, 51)).all()
    if kind == "dark":
        assert out.mean() < image.mean()


def test_nothing_drawn_nothing_changed():
    assert value_table(np.random.default_rng(0), PLAIN) is None


def test_the_same_seed_gives_the_same_crop():
    rich = Augmentation(size=160, crops=(0.5, 0.8, 1.2))
    for a, b in zip(crops(rich, 12), crops(rich, 12)):
        assert all(np.array_equal(x, y, equal_nan=True) if x.dtype.kind == "f" else np.array_equal(x, y) for x, y in zip(a, b))


def test_a_contact_sheet_for_the_eye():
    """Rows: none, then each augmentation alone at its full strength; green boxes are taught, red ones ignored."""
    kinds = ["flip", "photometric", "saturation", "grey", "blur", "jpeg", "dark", "cutout"]
    rows = []
    for kind in [None, *kinds]:
        options = replace(PLAIN, **({kind: 1.0} if kind else {}))
        tiles = []
        for pixels, boxes, points, ignore in crops(options, 8):
            tile = np.ascontiguousarray(pixels[:, :, ::-1])
            for box, face, ignored in zip(boxes.astype(int), points, ignore):
                cv2.rectangle(tile, box[:2].tolist(), box[2:].tolist(), (0, 0, 255) if ignored else (0, 255, 0), 1)
                for x, y in face:
                    cv2.drawMarker(tile, (int(round(x)), int(round(y))), (255, 255, 255), cv2.MARKER_CROSS, 5, 1)
            tiles.append(tile)
        row = np.hstack(tiles)
        cv2.putText(row, kind or "plain", (4, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1)
        rows.append(row)
    SHEET.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(SHEET), np.vstack(rows))
