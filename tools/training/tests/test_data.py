"""Every format is read into the same samples; what is malformed is named with its line; the cache gives back what went in."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from facedet_training import prepare
from facedet_training.augment import Augmentation
from facedet_training.batches import Sampler, tuning_split
from facedet_training.cache import build_cache
from facedet_training.datasets import read_coco, read_retinaface, read_set, read_voc, read_wider, read_yolo
from facedet_training.labels import Habits, merge

from .synthetic import drawn_cache

POINTS = [[12, 14], [20, 14], [16, 18], [13, 22], [19, 22]]


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    image = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
    cv2.imwrite(str(folder / "a.png"), image)
    return folder


def check(samples, images, landmarks=True):
    (sample,) = samples
    assert sample.image == images / "a.png"
    assert sample.boxes[0] == pytest.approx([10, 10, 22, 26], abs=1e-4)
    if landmarks:
        assert sample.landmarks[0] == pytest.approx(np.array(POINTS), abs=1e-4)
    else:
        assert np.isnan(sample.landmarks).all()


def test_wider(tmp_path, images):
    path = tmp_path / "list.txt"
    path.write_text("a.png\n3\n10 10 12 16 0 0 0 0 0 0\n1 1 5 5 0 0 0 1 0 0\n3 3 0 7 0 0 0 0 0 0\nb.png\n0\n0 0 0 0 0 0 0 0 0 0\n")
    first, second = read_wider(path, images)
    check([first], images, landmarks=False)
    # Invalid, and without an area.
    assert first.ignore.tolist() == [False, True, True]
    assert len(second.boxes) == 0


def test_wider_names_the_line_that_is_wrong(tmp_path, images):
    path = tmp_path / "list.txt"
    path.write_text("a.png\n2\n10 10 12 16 0 0 0 0 0 0\n1 x\n")
    with pytest.raises(ValueError, match=r"list\.txt:4: expected x y w h"):
        list(read_wider(path, images))
    path.write_text("a.png\n2\n10 10 12 16\n")
    with pytest.raises(ValueError, match="the end of the file"):
        list(read_wider(path, images))


def test_retinaface(tmp_path, images):
    path = tmp_path / "label.txt"
    points = " ".join(f"{x} {y} 0.0" for x, y in POINTS)
    path.write_text(f"# a.png\n10 10 12 16 {points} 0.9\n1 1 5 5 {'-1 ' * 15}0.1\n# b.png\n1 1 5 5\n")
    first, second = read_retinaface(path, images)
    check([first], images)
    assert np.isnan(first.landmarks[1]).all()
    assert second.name == "b.png"


def test_voc(tmp_path, images):
    folder = tmp_path / "xml"
    folder.mkdir()
    box = "<bndbox><xmin>10</xmin><ymin>10</ymin><xmax>22</xmax><ymax>26</ymax></bndbox>"
    objects = f"<object><name>face</name>{box}</object><object><name>hand</name>{box}</object>"
    (folder / "a.xml").write_text(f"<annotation><filename>a.png</filename>{objects}</annotation>")
    check(read_voc(folder, images, labels={"face"}), images, landmarks=False)
    (folder / "a.xml").write_text("<annotation>")
    with pytest.raises(ValueError, match="a.xml: expected Pascal VOC"):
        list(read_voc(folder, images))


def test_yolo(tmp_path, images):
    folder = tmp_path / "labels"
    folder.mkdir()
    points = " ".join(f"{x / 80} {y / 60} 2" for x, y in POINTS)
    (folder / "a.txt").write_text(f"0 {16 / 80} {18 / 60} {12 / 80} {16 / 60} {points}\n")
    check(read_yolo(folder, images), images)


def test_coco(tmp_path, images):
    path = tmp_path / "coco.json"
    points = [v for x, y in POINTS for v in (x, y, 2)]
    faces = [{"image_id": 7, "category_id": 1, "bbox": [10, 10, 12, 16], "keypoints": points}]
    path.write_text(json.dumps({"images": [{"id": 7, "file_name": "a.png"}], "annotations": faces}))
    check(read_coco(path, images), images)
    path.write_text("[]")
    with pytest.raises(ValueError, match="expected COCO"):
        list(read_coco(path, images))


def test_a_set_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="--data-root"):
        read_set({"name": "x", "labels": "none.txt", "images": "none"}, tmp_path)
    with pytest.raises(ValueError, match="expected format wider"):
        read_set({"name": "x", "format": "csv", "labels": "n", "images": "n"}, tmp_path)


def test_the_cache_gives_back_pixels_and_faces(tmp_path, images):
    path = tmp_path / "list.txt"
    path.write_text("a.png\n1\n10 10 12 16 0 0 0 0 0 0\n")
    samples = list(read_wider(path, images, "set"))
    cache = build_cache(samples, tmp_path / "cache")
    assert np.array_equal(cache.image(0), cv2.imread(str(images / "a.png")))
    assert cache.boxes[cache.faces(0)][0].tolist() == [10, 10, 22, 26]
    half = build_cache(samples, tmp_path / "half", longest=40)
    assert half.image(0).shape == (30, 40, 3) and half.boxes[0].tolist() == [5, 5, 11, 13]
    samples[0].image = images / "gone.png"
    with pytest.raises(ValueError, match="gone.png"):
        build_cache(samples, tmp_path / "broken")


def test_of_several_that_prepare_the_same_folder_one_builds_and_the_others_wait(tmp_path, images, monkeypatch):
    """Found by a first run under torchrun: each process built the cache, and each read what another was writing."""
    (tmp_path / "list.txt").write_text("a.png\n1\n10 10 12 16 0 0 0 0 0 0\n")
    data = {"sets": [{"name": "set", "format": "wider", "labels": "list.txt", "images": "images"}]}
    builds = []

    def slow(*args):
        builds.append(1)
        time.sleep(0.2)
        return build_cache(*args)

    monkeypatch.setattr(prepare, "build_cache", slow)
    with ThreadPoolExecutor(4) as pool:
        caches = list(pool.map(lambda _: prepare.prepared_cache(data, tmp_path, tmp_path / "cache"), range(4)))
    assert len(builds) == 1
    for cache in caches:
        assert np.array_equal(cache.image(0), cv2.imread(str(images / "a.png")))


def test_the_tuning_images_do_not_hang_on_the_other_sets():
    one, more = drawn_cache(40), drawn_cache(60)
    aside = {one.name[i] for i in tuning_split(one)[1]}
    assert aside == {more.name[i] for i in tuning_split(more)[1] if i < 40}
    train, tuned = tuning_split(more)
    assert not set(train) & set(tuned) and len(train) + len(tuned) == 60


def test_sets_are_drawn_by_their_weights():
    cache = drawn_cache(20)
    cache.source[:2] = ["few", "few"]
    sampler = Sampler(cache, range(20), Augmentation(size=64), 0, {"few": 0.5, "drawn": 0.5})
    assert sampler.share.tolist() == pytest.approx([0.5, 0.5])
    with pytest.raises(ValueError, match="at least one image"):
        Sampler(cache, [], Augmentation(size=64), 0)


def merged(habits, score=0.9, extra=(40, 40, 60, 60)):
    boxes, none = np.array([[0, 0, 20, 20]], np.float32), np.full((1, 5, 2), np.nan, np.float32)
    found = np.array([[2, 2, 20, 20], extra], np.float32)
    points = np.arange(20, dtype=np.float32).reshape(2, 5, 2)
    return merge(boxes, none, np.zeros(1, bool), found, np.array([0.9, score]), points, habits)


def test_a_teacher_gives_landmarks_and_missed_faces():
    boxes, landmarks, ignore = merged(Habits())
    assert boxes[0].tolist() == [0, 0, 20, 20] and landmarks[0, 0].tolist() == [0, 1]
    assert boxes[1].tolist() == [40, 40, 60, 60] and ignore.tolist() == [False, False]


def test_a_doubtful_find_is_ignored_and_a_faint_one_is_nothing():
    assert merged(Habits(), score=0.3)[2].tolist() == [False, True]
    assert len(merged(Habits(), score=0.1)[0]) == 1
    assert merged(Habits(missed="ignore"))[2].tolist() == [False, True]


def test_boxes_that_are_loose_become_the_teachers():
    assert merged(Habits(boxes="teacher"))[0][0].tolist() == [2, 2, 20, 20]
    assert merged(Habits(boxes="mean"))[0][0].tolist() == [1, 1, 20, 20]


def test_a_find_upon_a_labelled_face_is_no_new_face():
    assert len(merged(Habits(), extra=(1, 1, 12, 12))[0]) == 1
