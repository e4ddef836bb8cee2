"""It learns; a killed run goes on as if nothing had been; two processes are one."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from facedet_training.detect import network_outputs, tuning_ap
from facedet_training.export import load_checkpoint
from facedet_training.schedule import factor
from facedet_training.train import Run

from .synthetic import drawn_cache
from .tiny_run import tiny_options

TRAINING = Path(__file__).resolve().parents[1]


def start(command, folder, images, *changes):
    environment = {**os.environ, "PYTHONPATH": str(TRAINING), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [*command, str(folder), str(images), *changes], cwd=TRAINING, env=environment, stderr=subprocess.PIPE, text=True
    )


def finish(process):
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors[-2000:]


def rows(folder):
    path = folder / "log.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def curve(folder):
    return [{k: v for k, v in row.items() if k != "seconds"} for row in rows(folder)]


ALONE = [sys.executable, "-m", "tests.tiny_run"]


def test_overfits_eight_images(tmp_path):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    cache = drawn_cache(8)
    augmentation = {
        "size": 160,
        "crops": [0.8, 1.0, 1.2],
        "blur": 0,
        "jpeg": 0,
        "dark": 0,
        "cutout": 0,
        "photometric": 0,
        "grey": 0,
        "saturation": 0,
    }
    options = tiny_options(
        1600, batch_size=8, optimizer="muon", lr=0.003, weight_decay=0.01, clip=35, ema=0.95, augmentation=augmentation, save_seconds=1e9
    )
    run = Run(options, cache, range(8), tmp_path)
    run.train()
    model = run.ema.eval()
    ap = tuning_ap(lambda tensor: network_outputs(model, tensor), cache, range(8), (192, 160), sizes=(0,))
    torch.set_num_threads(threads)
    assert ap[">=0px"] > 0.95
    found = rows(tmp_path)
    assert np.mean([r["score"] for r in found[-5:]]) < 0.5 * np.mean([r["score"] for r in found[:5]])


@pytest.mark.parametrize("optimizer", ["sgd", "muon"])
def test_a_killed_run_goes_on_with_the_same_curve(tmp_path, optimizer):
    changes = [f'optimizer="{optimizer}"', "lr=0.003"]
    finish(start(ALONE, tmp_path / "whole", 96, *changes))
    killed = start(ALONE, tmp_path / "killed", 96, *changes)
    for _ in range(600):
        time.sleep(0.1)
        if len(rows(tmp_path / "killed")) >= 4 or killed.poll() is not None:
            break
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    before = len(rows(tmp_path / "killed"))
    assert before >= 4
    finish(start(ALONE, tmp_path / "killed", 96, *changes))
    assert curve(tmp_path / "killed") == curve(tmp_path / "whole")
    assert len(curve(tmp_path / "whole")) == 12
    weights = [load_checkpoint(tmp_path / name / "last.pt").state_dict() for name in ("whole", "killed")]
    assert all(torch.equal(a, b) for a, b in zip(weights[0].values(), weights[1].values()))


TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"]


@pytest.mark.parametrize("optimizer", ["sgd", "muon"])
def test_two_processes_equal_one_on_the_same_batch(tmp_path, optimizer):
    # A fresh network doubles the smallest rounding from step to step (a ReLU that flips here flips ten there): in single precision
    # only the first steps can be compared. The norms' part of it is held in double precision below.
    changes = [f'optimizer="{optimizer}"', "sync_norm=true", "lr=0.0005", "log_steps=1"]
    finish(start(ALONE, tmp_path / "one", 8, *changes))
    finish(start([*TORCHRUN, "tests.tiny_run"], tmp_path / "two", 8, *changes))
    one, two = curve(tmp_path / "one"), curve(tmp_path / "two")
    assert len(one) == len(two) == 2
    for a, b in zip(one, two):
        assert a["seen"] == b["seen"]
        for key in ("score", "box", "landmarks"):
            assert b[key] == pytest.approx(a[key], rel=1e-3), key
        assert b["norm"] == pytest.approx(a["norm"], rel=0.01)


def test_norms_over_two_processes_are_exact():
    finish(start([*TORCHRUN, "tests.synced_norm"], "", ""))


def test_batches_made_ahead_change_nothing(tmp_path):
    finish(start(ALONE, tmp_path / "none", 16))
    finish(start(ALONE, tmp_path / "two", 16, "workers=2"))
    assert curve(tmp_path / "none") == curve(tmp_path / "two")


def test_a_batch_that_the_processes_cannot_share_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(
        "facedet_training.train.Processes.__init__", lambda self: self.__dict__.update(count=3, rank=0, device=torch.device("cpu"))
    )
    with pytest.raises(ValueError, match="3 processes"):
        Run(tiny_options(8), drawn_cache(2), range(2), tmp_path)


def test_the_schedules():
    steps = [factor(p, "steps", 3 / 640) for p in (0, 1.5 / 640, 0.5, 440 / 640, 544 / 640)]
    assert steps == pytest.approx([1e-3, 0.5005, 1, 0.1, 0.01])
    assert factor(1.0, "cosine", 0.01) == pytest.approx(0.01)
    assert factor(0.505, "cosine", 0.01) == pytest.approx(0.505)
    with pytest.raises(ValueError, match="cosine"):
        factor(0.5, "linear", 0.01)


def test_kernels_give_what_the_plain_layers_give():
    from facedet_training.fast_cpu import NormRelu, kernels

    if kernels() is None:
        pytest.skip("no C compiler on this machine")
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(3, 24, 9, 7, generator=generator).mul_(2).add_(3).to(memory_format=torch.channels_last)
    gradient = torch.randn(x.shape, generator=generator)
    for relu in (True, False):
        plain, fast = torch.nn.BatchNorm2d(24), torch.nn.BatchNorm2d(24)
        torch.nn.init.normal_(plain.weight, generator=generator)
        fast.load_state_dict(plain.state_dict())
        a, b = (x.clone(memory_format=torch.preserve_format).requires_grad_(True) for _ in range(2))
        expected = torch.relu(plain(a)) if relu else plain(a)
        found = NormRelu.apply(b, fast.weight, fast.bias, fast.running_mean, fast.running_var, fast.eps, fast.momentum, relu)
        expected.backward(gradient)
        found.backward(gradient)
        pairs = [(found, expected), (b.grad, a.grad), (fast.weight.grad, plain.weight.grad), (fast.bias.grad, plain.bias.grad)]
        pairs += [(fast.running_mean, plain.running_mean), (fast.running_var, plain.running_var)]
        for one, other in pairs:
            assert torch.allclose(one, other, rtol=1e-4, atol=1e-5)
