"""The training loop: one process or several under torchrun, stopped and resumed at any moment."""

from __future__ import annotations

import copy
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from . import assign
from .augment import Augmentation
from .batches import Batch, Sampler
from .cache import ImageCache
from .criterion import LossOptions, loss_parts
from .fast_cpu import accelerate
from .models import build
from .optimizers import optimizers
from .schedule import factor
from .synced import sync_norms


@dataclass
class Options:
    """Everything that decides a run.

    `batch_size` counts the images of one step over all processes. `minutes`, where above 0, lets the schedule follow the wall clock
    instead of `images`. `workers` are processes that make the batches ahead, which a GPU needs; with 0 the training process makes
    them, which is best where it trains on the CPU. `sync_norm` takes BatchNorm's statistics over all processes, so that their
    number changes nothing.
    """

    model: str = "scrfd_0.5g_kps"
    overrides: dict = field(default_factory=dict)
    images: int = 100_000
    minutes: float = 0.0
    batch_size: int = 16
    optimizer: str = "sgd"
    lr: float = 0.01
    muon_lr: float = 0.02
    weight_decay: float = 5e-4
    schedule: str = "cosine"
    warmup: float = 0.02
    clip: float = 10.0
    ema: float = 0.9998
    sync_norm: bool = False
    seed: int = 0
    amp: bool = True
    match: str = "atss"
    match_options: dict = field(default_factory=dict)
    augmentation: dict = field(default_factory=dict)
    losses: dict = field(default_factory=dict)
    set_weights: dict | None = None
    crowding: float = 0.0
    workers: int = 0
    save_seconds: float = 120.0
    log_steps: int = 10


def averaged(model: nn.Module) -> nn.Module:
    ema = copy.deepcopy(model).eval()
    for p in ema.parameters():
        p.requires_grad_(False)
    return ema


@torch.no_grad()
def update_average(ema: nn.Module, model: nn.Module, decay: float, step: int) -> None:
    # A young average follows faster, else it would long be mostly the random start.
    decay = min(decay, (1 + step) / (10 + step))
    mine, theirs = list(ema.parameters()), list(model.parameters())
    torch._foreach_lerp_(mine, theirs, 1 - decay)
    for a, b in zip(ema.buffers(), model.buffers()):
        if a.is_floating_point():
            a.lerp_(b, 1 - decay)
        else:
            a.copy_(b)


class Processes:
    """Sums over the processes of a torchrun; alone, everything is already its own sum."""

    def __init__(self) -> None:
        self.count = int(os.environ.get("WORLD_SIZE", "1"))
        self.rank = int(os.environ.get("RANK", "0"))
        self.device = torch.device("cpu")
        if torch.cuda.is_available():
            self.device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
            torch.cuda.set_device(self.device)
        if self.count > 1 and not torch.distributed.is_initialized():
            torch.distributed.init_process_group("nccl" if self.device.type == "cuda" else "gloo")

    def sum(self, value: Tensor) -> Tensor:
        if self.count > 1:
            torch.distributed.all_reduce(value)
        return value

    def sum_flat(self, tensors: list[Tensor]) -> None:
        """In place, all in one message."""
        if self.count == 1 or not tensors:
            return
        flat = self.sum(torch.cat([t.reshape(-1) for t in tensors]))
        at = 0
        for t in tensors:
            t.copy_(flat[at : at + t.numel()].view_as(t))
            at += t.numel()

    def close(self) -> None:
        if self.count > 1:
            torch.distributed.destroy_process_group()


class Steps(Dataset):
    """Step number → batch, for PyTorch's loader."""

    def __init__(self, batch: Callable[[int], Batch]):
        self.batch = batch

    def __getitem__(self, step: int) -> Batch:
        return self.batch(step)

    def __len__(self) -> int:
        return sys.maxsize


def untouched(batch: Batch) -> Batch:
    return batch


class Run:
    """A model in training with all that a checkpoint keeps."""

    def __init__(self, options: Options, cache: ImageCache, indices, folder: Path):
        self.options, self.folder = options, folder
        self.processes = Processes()
        if options.batch_size % self.processes.count:
            raise ValueError(f"expected a batch size that {self.processes.count} processes can share, found {options.batch_size}")
        self.local = options.batch_size // self.processes.count
        torch.manual_seed(options.seed)
        device = self.processes.device
        self.model = build(options.model, **options.overrides).to(device, memory_format=torch.channels_last)
        if options.sync_norm and self.processes.count > 1:
            sync_norms(self.model)
        elif device.type == "cpu" and torch.get_num_threads() == 1:
            accelerate(self.model)
        self.ema = averaged(self.model)
        sharing = {"rank": self.processes.rank, "count": self.processes.count, "gather": self.processes.sum_flat}
        self.optimizers = optimizers(self.model, options.optimizer, options.lr, options.weight_decay, options.muon_lr, **sharing)
        self.base = [[g["lr"] for g in o.param_groups] for o in self.optimizers]
        self.scaler = torch.amp.GradScaler("cuda", enabled=options.amp and device.type == "cuda")
        self.augmentation = Augmentation(**options.augmentation)
        self.losses = LossOptions(**options.losses)
        self.grid = assign.Grid(self.augmentation.size, self.augmentation.size)
        matchers = {"atss": assign.atss, "iou": assign.by_overlap}
        if options.match not in matchers:
            raise ValueError(f"expected match {' or '.join(matchers)}, found {options.match!r}")
        self.match = partial(matchers[options.match], **options.match_options)
        self.sampler = Sampler(cache, indices, self.augmentation, options.seed, options.set_weights, options.crowding)
        self.step, self.seconds = 0, 0.0

    @property
    def seen(self) -> int:
        return self.step * self.options.batch_size

    def progress(self) -> float:
        if self.options.minutes:
            return self.seconds / (self.options.minutes * 60)
        return self.seen / self.options.images

    def batch(self, step: int) -> Batch:
        """This process's part of a step's images."""
        first = step * self.options.batch_size + self.processes.rank * self.local
        return self.sampler.batch(first, self.local, self.grid, self.match)

    def batches(self) -> Iterator[Batch]:
        """From the current step on, in order, however many workers make them."""
        steps = range(self.step, sys.maxsize)
        if self.options.workers == 0:
            yield from map(self.batch, steps)
            return
        loader = DataLoader(
            Steps(self.batch),
            batch_size=None,
            sampler=steps,
            num_workers=self.options.workers,
            collate_fn=untouched,
            prefetch_factor=4,
            multiprocessing_context="fork",
        )
        yield from loader

    def train_step(self, batch: Batch | None = None) -> dict[str, float]:
        options, processes = self.options, self.processes
        batch = batch or self.batch(self.step)
        device = processes.device
        share = factor(self.progress(), options.schedule, options.warmup)
        for optimizer, base in zip(self.optimizers, self.base):
            for group, lr in zip(optimizer.param_groups, base):
                group["lr"] = lr * share
            optimizer.zero_grad(set_to_none=True)
        self.model.train()
        with torch.autocast(device.type, torch.float16, enabled=self.scaler.is_enabled()):
            outputs = self.model(batch.images.to(device, non_blocking=True))
        parts = loss_parts(outputs, batch, self.grid, self.losses)
        loss, shown = parts.total(processes.sum(parts.counts().detach().clone()), self.losses)
        self.scaler.scale(loss).backward()
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        statistics = [b for b in self.model.buffers() if b.is_floating_point()]
        processes.sum_flat(gradients)
        if processes.count > 1:
            for b in statistics:
                b.div_(processes.count)
            processes.sum_flat(statistics)
        for optimizer in self.optimizers:
            self.scaler.unscale_(optimizer)
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), options.clip)
        for optimizer in self.optimizers:
            self.scaler.step(optimizer)
        self.scaler.update()
        self.step += 1
        update_average(self.ema, self.model, options.ema, self.step)
        values = torch.stack([shown["score"], shown["box"], shown["landmarks"]])
        values = processes.sum(values.clone())
        return {**dict(zip(("score", "box", "landmarks"), values.tolist())), "norm": float(norm), "lr": share}

    def state(self) -> dict:
        return {
            "options": asdict(self.options),
            "step": self.step,
            "seconds": self.seconds,
            "model": self.model.state_dict(),
            "ema": self.ema.state_dict(),
            "optimizers": [o.state_dict() for o in self.optimizers],
            "scaler": self.scaler.state_dict(),
        }

    def save(self, path: Path) -> None:
        """A kill while it writes leaves the earlier checkpoint whole."""
        partial_path = path.with_name(path.name + ".partial")
        torch.save(self.state(), partial_path)
        os.replace(partial_path, path)

    def load(self, path: Path) -> None:
        state = torch.load(path, map_location=self.processes.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.ema.load_state_dict(state["ema"])
        for optimizer, kept in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)
        self.scaler.load_state_dict(state["scaler"])
        self.step, self.seconds = state["step"], state["seconds"]

    def start_from(self, path: Path) -> None:
        """The averaged weights of another run, and nothing else of it."""
        state = torch.load(path, map_location=self.processes.device, weights_only=True)
        weights = {k: v.float() if v.is_floating_point() else v for k, v in state["ema"].items()}
        self.model.load_state_dict(weights)
        self.ema.load_state_dict(weights)

    def clock(self, begin: float) -> float:
        """All processes take the first one's time, or they would disagree about the learning rate."""
        if self.processes.count == 1:
            return time.monotonic() - begin
        mine = torch.tensor(time.monotonic() - begin if self.processes.rank == 0 else 0.0, dtype=torch.float64)
        return float(self.processes.sum(mine.to(self.processes.device)))

    def train(self, resume: bool = True, bar=None, board=None) -> None:
        options, first = self.options, self.processes.rank == 0
        self.folder.mkdir(parents=True, exist_ok=True)
        last = self.folder / "last.pt"
        log = self.folder / "log.jsonl"
        if resume and last.exists():
            self.load(last)
            if first and log.exists():
                # Steps after the checkpoint are taken again: their first tellings are dropped, the curve stays one line.
                kept = [line for line in log.read_text().splitlines() if json.loads(line)["step"] <= self.step]
                log.write_text("".join(line + "\n" for line in kept))
        elif first:
            log.write_text("")
        begin, saved = time.monotonic() - self.seconds, time.monotonic()
        sums: dict[str, float] = {}
        batches = self.batches()
        while self.progress() < 1:
            values = self.train_step(next(batches))
            self.seconds = self.clock(begin)
            for key, value in values.items():
                sums[key] = sums.get(key, 0.0) + value
            if self.step % options.log_steps == 0:
                row = {"step": self.step, "seen": self.seen, "seconds": round(self.seconds, 2)}
                row |= {key: round(value / options.log_steps, 6) for key, value in sums.items()}
                sums = {}
                if first:
                    with open(log, "a") as out:
                        out.write(json.dumps(row) + "\n")
                    if board:
                        for key in ("score", "box", "landmarks", "lr", "norm"):
                            board.add_scalar(key, row[key], self.seen)
                    if bar:
                        bar.set_postfix(score=row["score"], box=row["box"], refresh=False)
                # Between two log lines no sums are pending, so that a resumed run logs what an unbroken one would.
                if first and time.monotonic() - saved > options.save_seconds:
                    self.save(last)
                    saved = time.monotonic()
            if bar:
                bar.n = min(bar.total, self.seen)
                bar.refresh() if self.step % options.log_steps == 0 else None
        if first:
            self.save(last)
        self.processes.close()
