"""Runs that follow each other make one curve."""

import json

from facedet_training.curve import joined


def test_crops_are_counted_on(tmp_path):
    logs = []
    for name, seen in (("first", [160, 320]), ("second", [80, 160])):
        path = tmp_path / f"{name}.jsonl"
        path.write_text("".join(json.dumps({"seen": n, "lr": 1.0}) + "\n" for n in seen))
        logs.append(path)
    assert [row["seen"] for row in joined(logs)] == [160, 320, 400, 480]
