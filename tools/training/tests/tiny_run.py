"""A training on drawn faces as a process of its own, to be killed or run under torchrun: tiny_run.py FOLDER IMAGES [option=value …]"""

import json
import sys
from pathlib import Path

import cv2
import torch

from facedet_training.train import Options, Run
from tests.synthetic import drawn_cache

AUGMENTATION = {"size": 96, "crops": [0.6, 0.8], "blur": 0.2, "jpeg": 0.2}


def tiny_options(images, **changes):
    values = {
        "model": "scrfd_0.5g_kps",
        "images": images,
        "batch_size": 4,
        "optimizer": "sgd",
        "lr": 0.01,
        "ema": 0.9,
        "augmentation": AUGMENTATION,
    }
    return Options(**{**values, "save_seconds": 0.0, "log_steps": 2, **changes})


def main():
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    folder, images, *changes = sys.argv[1:]
    changes = {key: json.loads(value) for key, value in (c.split("=") for c in changes)}
    cache = drawn_cache(8)
    run = Run(tiny_options(int(images), **changes), cache, range(len(cache)), Path(folder))
    run.train()


if __name__ == "__main__":
    main()
