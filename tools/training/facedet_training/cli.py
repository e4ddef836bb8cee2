"""`facedet-training`: train, evaluate, export, quantize, ablate."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def add_train(commands) -> None:
    p = commands.add_parser("train", help="train a model, or go on where a stopped run was")
    p.add_argument("--config", default="default_weights", help="a file, or a name in configs/ (default: %(default)s)")
    p.add_argument("--model", help="scrfd_0.5g, scrfd_2.5g, scrfd_10g or scrfd_34g; _kps adds landmarks")
    p.add_argument("--data-root", type=Path, required=True, help="the folder that the config's data sets are relative to")
    p.add_argument("--output", type=Path, default=Path("runs/train"), help="checkpoints and log (default: %(default)s)")
    p.add_argument("--cache", type=Path, default=Path("runs/cache"), help="decoded images (default: %(default)s)")
    p.add_argument("--epochs", type=float, help="passes over the training images")
    p.add_argument("--images", type=int, help="crops in all, instead of epochs")
    p.add_argument("--minutes", type=float, help="wall clock in all, instead of epochs: the schedule follows the time")
    p.add_argument("--batch-size", type=int, help="crops a step, over all processes")
    p.add_argument("--lr", type=float, help="base learning rate; by default the config's")
    p.add_argument("--seed", type=int)
    p.add_argument("--init", type=Path, help="start from this checkpoint's averaged weights with a fresh schedule")
    p.add_argument("--fresh", action="store_true", help="do not resume what is in --output")
    p.add_argument("--threads", type=int, default=0, help="CPU threads a process (0: PyTorch's choice)")
    p.add_argument("--tensorboard", action="store_true", help="write events into --output")
    p.set_defaults(run=train)


def train(args) -> None:
    import cv2
    import torch

    from .batches import tuning_split
    from .configuration import make_options, read_config
    from .prepare import prepared_cache, set_weights
    from .train import Run

    cv2.setNumThreads(1)
    if args.threads:
        torch.set_num_threads(args.threads)
    values, data = read_config(args.config)
    for key in ("model", "images", "minutes", "batch_size", "lr", "seed"):
        if getattr(args, key) is not None:
            values[key] = getattr(args, key)
    values.setdefault("set_weights", set_weights(data))
    progress = bar_of("prepare")
    cache = prepared_cache(data, args.data_root, args.cache, max(args.threads, 1), progress)
    taught, _ = tuning_split(cache, data.get("tuning_seed", 0), data.get("tuning_share", 0.1))
    if args.epochs is not None:
        values["images"] = int(args.epochs * len(taught))
    run = Run(make_options(values), cache, taught, args.output)
    if args.init:
        run.start_from(args.init)
    bar = board = None
    if run.processes.rank == 0:
        if sys.stderr.isatty():
            from tqdm import tqdm

            bar = tqdm(total=run.options.images, unit="img", desc=run.options.model)
        if args.tensorboard:
            from torch.utils.tensorboard import SummaryWriter

            board = SummaryWriter(args.output)
    run.train(resume=not args.fresh, bar=bar, board=board)


def bar_of(title: str):
    if not sys.stderr.isatty():
        return None
    from tqdm import tqdm

    return lambda items: tqdm(items, desc=title)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="facedet-training", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in (add_train,):
        add(commands)
    args = parser.parse_args(argv)
    try:
        args.run(args)
    except (ValueError, FileNotFoundError) as error:
        print(f"facedet-training: {error}", file=sys.stderr)
        return 2
    return 0
