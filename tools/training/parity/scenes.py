"""Synthetic crowds with known track IDs, and what a detector would report of them. Own material, made from a seed.

Only `random.Random.random()` is drawn, which gives the same numbers in every Python version, and everything is rounded.
"""

import math
import random
from dataclasses import dataclass, field

WIDTH, HEIGHT = 960, 540


class Draw:
    """Random numbers from a seed."""

    def __init__(self, seed):
        self.random = random.Random(seed).random

    def uniform(self, low, high):
        return low + (high - low) * self.random()

    def normal(self, sigma):
        """The sum of twelve uniform numbers: nearly normal, and without a function whose last digit depends on the platform."""
        return sigma * (sum(self.random() for _ in range(12)) - 6)

    def shuffled(self, items):
        items = list(items)
        for i in range(len(items) - 1, 0, -1):
            j = int(self.random() * (i + 1))
            items[i], items[j] = items[j], items[i]
        return items


@dataclass
class Person:
    """A walker: its center is (x, y) + t · (dx, dy), plus a sway; `hidden` lists half-open frame ranges without a detection."""

    x: float
    y: float
    dx: float
    dy: float
    height: float
    aspect: float = 0.8
    sway: float = 0.0
    grow: float = 0.0
    hidden: list = field(default_factory=list)
    faint: list = field(default_factory=list)
    start: int = 0
    end: int = 10**9

    def box(self, frame):
        t = frame - self.start
        height = self.height * (1 + self.grow * t)
        width = self.aspect * height
        x = self.x + self.dx * t + self.sway * math.sin(t / 7)
        y = self.y + self.dy * t
        return x - width / 2, y - height / 2, width, height


def within(frame, ranges):
    return any(begin <= frame < end for begin, end in ranges)


def covered(box, other):
    """The share of a box that another one covers."""
    w = min(box[0] + box[2], other[0] + other[2]) - max(box[0], other[0])
    h = min(box[1] + box[3], other[1] + other[3]) - max(box[1], other[1])
    return max(w, 0) * max(h, 0) / (box[2] * box[3])


def film(people, frames, seed, noise=0.02, shake=0.0, false_rate=0.05, sure=False):
    """Truth and detections: two lists with one list per frame, of (person, x, y, w, h, visibility) and (x, y, w, h, score)."""
    draw = Draw(seed)
    truth, detections = [], []
    camera = [0.0, 0.0]
    for frame in range(frames):
        camera = [0.6 * c + draw.normal(shake) for c in camera]
        boxes = {}
        for number, person in enumerate(people, 1):
            if not person.start <= frame < person.end:
                continue
            x, y, w, h = person.box(frame)
            x, y = x + camera[0], y + camera[1]
            if x + w > 0 and y + h > 0 and x < WIDTH and y < HEIGHT:
                boxes[number] = (x, y, w, h)
        seen, found = [], []
        for number, box in boxes.items():
            # A person lower in the picture is nearer and covers those behind.
            nearer = [other for key, other in boxes.items() if key != number and other[1] + other[3] > box[1] + box[3]]
            visibility = 1 - min(1, sum(covered(box, other) for other in nearer))
            person = people[number - 1]
            seen.append((number, *box, visibility))
            x, y, w, h = box
            size = noise * h
            near = [round(v + draw.normal(size), 1) for v in (x, y, w, h)]
            score = 0.97 - 0.85 * (1 - visibility) - abs(draw.normal(0.05))
            if within(frame, person.faint):
                score = draw.uniform(0.08, 0.62)
            if sure and score > 0.6:
                score = 1
            if within(frame, person.hidden) or score < 0.05 or draw.random() < 0.03:
                continue
            found.append((*near, round(score, 2)))
        if draw.random() < false_rate:
            side = draw.uniform(20, 80)
            left, top = draw.uniform(0, WIDTH - side), draw.uniform(0, HEIGHT - side)
            score = 1 if sure else draw.uniform(0.3, 0.95)
            found.append((*[round(v, 1) for v in (left, top, side, side)], round(score, 2)))
        truth.append(seen)
        detections.append(draw.shuffled(found))
    return truth, detections


def crossing():
    """Two streams that walk through each other, at several depths; 120 frames."""
    draw = Draw(11)
    people = []
    for i in range(10):
        right = i % 2 == 0
        depth = draw.uniform(0, 1)
        people.append(
            Person(
                x=draw.uniform(-150, 350) if right else draw.uniform(600, 1100),
                y=180 + 190 * depth + draw.uniform(-15, 15),
                dx=(1 if right else -1) * draw.uniform(3, 6.5),
                dy=draw.uniform(-0.4, 0.4),
                height=60 + 80 * depth,
                aspect=draw.uniform(0.7, 0.9),
                sway=draw.uniform(0, 5),
                grow=draw.uniform(-0.001, 0.002),
            )
        )
    return film(people, 120, 12)


def returning():
    """People at their places who vanish for stretches of frames around a buffer of ten, and some who move on unseen; 120 frames."""
    people = []
    for i, gap in enumerate((6, 9, 10, 11, 12, 13)):
        begin = 15 + i
        people.append(
            Person(
                x=90 + 150 * i,
                y=140,
                dx=0.1 * i - 0.3,
                dy=0,
                height=70 + 6 * i,
                sway=1.5 * i,
                # The second time they are seen for one to six frames only: a track that was found again is lost at once.
                hidden=[(begin, begin + gap), (begin + gap + 1 + i, begin + 2 * gap + 1 + i), (90, 90 + gap)],
            )
        )
    people += [
        # Walks on without a detection; another person starts at the same place.
        Person(x=100, y=400, dx=3, dy=0, height=90, hidden=[(20, 28), (50, 58)], faint=[(30, 36), (60, 75)]),
        Person(x=190, y=402, dx=0.5, dy=0, height=88, start=27),
        # Stops without a detection.
        Person(x=500, y=400, dx=0, dy=0, height=100, sway=40, hidden=[(30, 40), (70, 83)], faint=[(44, 60)]),
        Person(x=760, y=410, dx=-1, dy=-0.5, height=95, grow=0.003, hidden=[(33, 44)], faint=[(10, 20), (60, 72), (100, 110)]),
    ]
    return film(people, 120, 21, noise=0.015, false_rate=0.1)


def shaking():
    """Small faces, a hand-held camera, many low scores; 120 frames."""
    draw = Draw(31)
    people = []
    for _ in range(11):
        begin = int(draw.uniform(-60, 50))
        faint = int(draw.uniform(20, 100))
        hidden = int(draw.uniform(20, 100))
        people.append(
            Person(
                x=draw.uniform(100, 860),
                y=draw.uniform(120, 420),
                dx=draw.uniform(-2.5, 2.5),
                dy=draw.uniform(-0.7, 0.7),
                height=draw.uniform(34, 70),
                aspect=draw.uniform(0.7, 0.95),
                sway=draw.uniform(0, 6),
                hidden=[(hidden, hidden + int(draw.uniform(3, 25)))],
                faint=[(faint, faint + int(draw.uniform(4, 18)))],
                start=max(begin, 0),
                end=begin + int(draw.uniform(80, 200)),
            )
        )
    return film(people, 120, 32, noise=0.04, shake=4, false_rate=0.2)


def passer_by(draw, speed, heights, aspects, sway=0, **ranges):
    """Someone who starts anywhere and walks left or right at up to `speed` pixels per frame, with a sway of up to `sway` pixels."""
    return Person(
        x=draw.uniform(50, 900),
        y=draw.uniform(150, 400),
        dx=draw.uniform(-speed, speed),
        dy=draw.uniform(-1, 1),
        height=draw.uniform(*heights),
        aspect=draw.uniform(*aspects),
        # Not drawn for 0: the fixtures depend on the sequence of random numbers.
        sway=draw.uniform(0, sway) if sway else 0,
        **ranges,
    )


def sure():
    """As `crossing`, but every high score is exactly 1; 60 frames."""
    draw = Draw(41)
    people = [
        passer_by(draw, speed=6, heights=(60, 110), aspects=(0.7, 0.9), faint=[(20 + 3 * i, 26 + 3 * i)]) for i in range(7)
    ]
    return film(people, 60, 42, sure=True)


def ragged():
    """Boxes whose size jumps from frame to frame; 60 frames."""
    draw = Draw(51)
    people = [
        passer_by(draw, speed=7, heights=(40, 120), aspects=(0.6, 1), sway=12, hidden=[(5 + 4 * i, 8 + 5 * i)]) for i in range(9)
    ]
    return film(people, 60, 52, noise=0.09, shake=3, false_rate=0.4)


SCENES = {"crossing": crossing, "returning": returning, "shaking": shaking, "ragged": ragged, "sure": sure}


def number(value, digits):
    """A number as short text: no trailing zeros, no negative zero."""
    text = f"{value:.{digits}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
