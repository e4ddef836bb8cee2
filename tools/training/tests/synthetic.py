"""Pictures with drawn faces, so that tests need no data."""

import cv2
import numpy as np

from facedet_training.cache import ImageCache


def draw_face(image, box):
    """Draws one and returns its five points."""
    x1, y1, x2, y2 = box
    w, h = x2 - x1, y2 - y1
    center = (int((x1 + x2) / 2), int((y1 + y2) / 2))
    cv2.ellipse(image, center, (int(w / 2), int(h / 2)), 0, 0, 360, (120, 170, 225), -1)
    fractions = np.array([[0.3, 0.38], [0.7, 0.38], [0.5, 0.58], [0.34, 0.76], [0.66, 0.76]], np.float32)
    points = fractions * (w, h) + (x1, y1)
    for i, (x, y) in enumerate(points):
        # Each point has its own color, so that a test can tell them apart.
        color = [(255, 0, 0), (0, 0, 255), (0, 255, 0), (255, 255, 0), (255, 0, 255)][i]
        cv2.circle(image, (int(round(x)), int(round(y))), max(1, int(w / 14)), color, -1)
    return points


def drawn_cache(count=8, width=240, height=200, seed=0, faces=(1, 4)) -> ImageCache:
    generator = np.random.default_rng(seed)
    pixels, boxes, points, counts = [], [], [], []
    for _ in range(count):
        image = generator.integers(0, 90, (height // 20, width // 20, 3), np.uint8)
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_NEAREST)
        placed = []
        for _ in range(int(generator.integers(*faces))):
            for _ in range(50):
                w = float(np.exp(generator.uniform(np.log(18), np.log(80))))
                h = w * float(generator.uniform(1.1, 1.4))
                x, y = generator.uniform(2, width - w - 2), generator.uniform(2, height - h - 2)
                box = np.array([x, y, x + w, y + h], np.float32)
                if all(box[0] > b[2] or box[2] < b[0] or box[1] > b[3] or box[3] < b[1] for b in placed):
                    placed.append(box)
                    points.append(draw_face(image, box))
                    break
        pixels.append(image.reshape(-1))
        boxes += placed
        counts.append(len(placed))
    size = height * width * 3
    return ImageCache(
        pixels=np.concatenate(pixels),
        offset=np.arange(count, dtype=np.int64) * size,
        shape=np.tile([height, width], (count, 1)),
        first=np.concatenate([[0], np.cumsum(counts)]),
        boxes=np.array(boxes, np.float32),
        landmarks=np.array(points, np.float32),
        ignore=np.zeros(len(boxes), bool),
        source=["drawn"] * count,
        name=[f"{i}.png" for i in range(count)],
    )
