"""`facedet-training`: train, evaluate, calibrate, export, quantize, ablate."""

from __future__ import annotations

import argparse
import json
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
    p.add_argument("--lr", type=float, help="base learning rate; by default the config's, scaled with the batch size")
    p.add_argument("--seed", type=int)
    p.add_argument("--init", type=Path, help="start from this checkpoint's averaged weights with a fresh schedule")
    p.add_argument("--fresh", action="store_true", help="do not resume what is in --output")
    p.add_argument("--threads", type=int, default=0, help="CPU threads a process (0: PyTorch's choice)")
    p.add_argument("--workers", type=int, help="processes that make the batches ahead: for a GPU, some 8 (default: none)")
    p.add_argument("--tensorboard", action="store_true", help="write TensorBoard events into --output")
    p.set_defaults(run=train)


def train(args) -> None:
    import cv2
    import torch

    from .configuration import data_of, make_options, read_config
    from .train import Run

    # Each crop is too small to share among threads; the processes share the batch.
    cv2.setNumThreads(1)
    if args.threads:
        torch.set_num_threads(args.threads)
    values, data = read_config(args.config)
    if args.batch_size and args.lr is None and "lr" in values:
        values["lr"] *= args.batch_size / values.get("batch_size", args.batch_size)
    for key in ("model", "images", "minutes", "batch_size", "lr", "seed", "workers"):
        if getattr(args, key) is not None:
            values[key] = getattr(args, key)
    cache, taught, _ = data_of(data, values, args.data_root, args.cache, args.threads, bar_of("prepare"))
    if args.epochs is not None:
        values["images"] = int(args.epochs * len(taught))
    elif "epochs" in values and args.images is None:
        values["images"] = int(values["epochs"] * len(taught))
    values.pop("epochs", None)
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


def add_evaluate(commands) -> None:
    p = commands.add_parser("evaluate", help="AP on WIDER FACE by `facedet eval wider`, or on the images kept aside")
    what = p.add_mutually_exclusive_group(required=True)
    what.add_argument("--checkpoint", type=Path, help="of `train`; its averaged weights count")
    what.add_argument("--model", type=Path, help="any SCRFD in ONNX")
    p.add_argument(
        "--data-root", type=Path, required=True, help="WIDER images with their wider_face_*_bbx_gt.txt; with --tuning the training data"
    )
    p.add_argument("--ground-truth", type=Path, help="the folder of the official .mat files (not with --tuning)")
    p.add_argument("--size", default="640x640")
    p.add_argument("--output", type=Path, help="keep the predictions there")
    p.add_argument("--facedet", help="the command, where it is neither built in this checkout nor on the PATH")
    p.add_argument("--tuning", action="store_true", help="over the images that training left aside, in this process: to choose by")
    p.add_argument("--set", help="with --tuning: only this data set")
    p.add_argument("--config", default="default_weights")
    p.add_argument("--cache", type=Path, default=Path("runs/cache"))
    p.add_argument("--threads", type=int, default=1)
    p.set_defaults(run=evaluate)


def evaluate(args) -> None:
    if args.tuning:
        print(json.dumps(evaluate_tuning(args)))
        return
    from .evaluate import evaluate_checkpoint, evaluate_onnx

    if args.ground_truth is None:
        raise ValueError("expected --ground-truth, the folder of the official wider_*_val.mat files; or --tuning")
    measure, model = (evaluate_checkpoint, args.checkpoint) if args.checkpoint else (evaluate_onnx, args.model)
    print(json.dumps(measure(model, args.data_root, args.ground_truth, args.size, args.output, args.facedet)))


def evaluate_tuning(args) -> dict[str, float]:
    import torch

    from .configuration import data_of, read_config
    from .detect import network_outputs, session_outputs, tuning_ap

    torch.set_num_threads(args.threads)
    values, data = read_config(args.config)
    cache, _, aside = data_of(data, values, args.data_root, args.cache, args.threads, bar_of("prepare"))
    if args.set:
        aside = [i for i in aside if cache.source[i] == args.set]
    if args.checkpoint:
        from .export import load_checkpoint

        model = load_checkpoint(args.checkpoint).to(memory_format=torch.channels_last)
        outputs = lambda tensor: network_outputs(model, tensor)  # noqa: E731
    else:
        from .export import open_session

        session = open_session(args.model, args.threads)
        outputs = lambda tensor: session_outputs(session, tensor)  # noqa: E731
    width, height = parse_size(args.size)
    return {"images": len(aside), **tuning_ap(outputs, cache, aside, (width, height))}


def parse_size(text: str) -> tuple[int, int]:
    try:
        width, _, height = text.partition("x")
        size = int(width), int(height or width)
    except ValueError:
        size = (0, 0)
    if min(size) < 32 or size[0] % 32 or size[1] % 32:
        raise ValueError(f"expected a size like 640x640 with sides in multiples of 32, found {text!r}")
    return size


def add_export(commands) -> None:
    p = commands.add_parser("export", help="a checkpoint as ONNX, held against PyTorch")
    p.add_argument("--checkpoint", type=Path, required=True)
    p.add_argument("--output", type=Path, required=True)
    p.add_argument("--input-size", default="640x640", help="the size that is traced; any multiple of 32 runs (default: %(default)s)")
    p.set_defaults(run=export)


def export(args) -> None:
    from .export import export_onnx, load_checkpoint

    worst = export_onnx(load_checkpoint(args.checkpoint), args.output, parse_size(args.input_size))
    print(json.dumps({"file": str(args.output), "bytes": args.output.stat().st_size, "difference": worst}))


def add_quantize(commands) -> None:
    p = commands.add_parser("quantize", help="INT8 of any SCRFD in ONNX")
    p.add_argument("--model", type=Path, required=True)
    p.add_argument("--output", type=Path, required=True)
    p.add_argument("--method", default="static", help="static or dynamic (default: %(default)s)")
    p.add_argument("--images", type=Path, help="a folder of pictures to calibrate with; needed for static")
    p.add_argument("--count", type=int, default=60, help="how many of them (default: %(default)s)")
    p.add_argument("--size", default="640x640")
    p.add_argument("--calibration", default="minmax", help="minmax, percentile or entropy (default: %(default)s)")
    p.add_argument("--percentile", type=float, default=99.99)
    p.add_argument("--keep-depthwise", action="store_true", help="depthwise convolutions stay FP32")
    p.add_argument("--keep", nargs="*", default=[], metavar="PREFIX", help="nodes whose names begin so stay FP32")
    p.set_defaults(run=quantize)


def quantize(args) -> None:
    from .quantize import quantize_model

    quantize_model(
        args.model,
        args.method,
        output=args.output,
        images=args.images,
        size=parse_size(args.size),
        count=args.count,
        calibration=args.calibration,
        percentile=args.percentile,
        keep_depthwise=args.keep_depthwise,
        keep=args.keep,
    )
    print(json.dumps({"file": str(args.output), "bytes": args.output.stat().st_size}))


def add_compare(commands) -> None:
    p = commands.add_parser("compare", help="what INT8 changes: the noise of its scores, and the time of both on one thread")
    p.add_argument("--model", type=Path, required=True, help="in FP32")
    p.add_argument("--quantized", type=Path, required=True)
    p.add_argument("--images", type=Path, required=True, help="a folder of pictures")
    p.add_argument("--count", type=int, default=50, help="how many of them (default: %(default)s)")
    p.add_argument("--seed", type=int, default=7, help="which of them; `quantize` calibrates on those of 0 (default: %(default)s)")
    p.add_argument("--size", default="640x640")
    p.set_defaults(run=compare)


def compare(args) -> None:
    from .compare import milliseconds, score_noise
    from .quantize import calibration_tensors

    size = parse_size(args.size)
    noise = score_noise(args.model, args.quantized, calibration_tensors(args.images, size, args.count, args.seed))
    full, quantized = milliseconds([args.model, args.quantized], size)
    print(json.dumps({"noise": noise, "ms": full, "quantizedMs": quantized, "faster": full / quantized}))


def add_ablate(commands) -> None:
    p = commands.add_parser("ablate", help="one of the studies of configs/ablations.yaml at any budget")
    p.add_argument("study", help="its name, or `list`")
    p.add_argument("--config", default="ablations")
    p.add_argument("--data-root", type=Path, help="the folder that the data sets are relative to")
    p.add_argument("--images", type=int, default=20_000, help="crops a variant (default: %(default)s)")
    p.add_argument("--seeds", type=int, default=1, help="runs a variant, to see what is chance (default: %(default)s)")
    p.add_argument("--output", type=Path, default=Path("runs/ablations"))
    p.add_argument("--cache", type=Path, default=Path("runs/cache"))
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--set", default="wider", help="the part of the images kept aside that is measured (default: %(default)s)")
    p.add_argument("--facedet", help="the command, for the tracker study")
    p.set_defaults(run=ablate)


def ablate(args) -> None:
    from .ablate import list_studies, run_study

    if args.study == "list":
        print(list_studies(args.config))
        return
    print(run_study(args))


def add_calibrate(commands) -> None:
    p = commands.add_parser("calibrate", help="make a score worth the same for small and large faces, by the images kept aside")
    p.add_argument("--checkpoint", type=Path, required=True)
    p.add_argument("--output", type=Path, required=True, help="a copy of the checkpoint with six biases changed")
    p.add_argument("--data-root", type=Path, required=True, help="the folder that the config's data sets are relative to")
    p.add_argument("--config", default="default_weights")
    p.add_argument("--cache", type=Path, default=Path("runs/cache"))
    p.add_argument("--set", help="only the images of this data set")
    p.add_argument("--size", default="640x640")
    p.add_argument("--threads", type=int, default=1)
    p.set_defaults(run=calibrate)


def calibrate(args) -> None:
    import torch

    from .calibrate import calibrate_checkpoint
    from .configuration import data_of, read_config

    torch.set_num_threads(args.threads)
    values, data = read_config(args.config)
    cache, _, aside = data_of(data, values, args.data_root, args.cache, args.threads, bar_of("prepare"))
    if args.set:
        aside = [i for i in aside if cache.source[i] == args.set]
    print(json.dumps(calibrate_checkpoint(args.checkpoint, args.output, cache, aside, canvas=parse_size(args.size))))


def add_pack(commands) -> None:
    p = commands.add_parser("pack", help="a small copy of a checkpoint to go on from: averaged weights in half precision")
    p.add_argument("--checkpoint", type=Path, required=True)
    p.add_argument("--output", type=Path, required=True)
    p.set_defaults(run=pack)


def pack(args) -> None:
    from .export import pack_checkpoint

    pack_checkpoint(args.checkpoint, args.output)
    print(json.dumps({"file": str(args.output), "bytes": args.output.stat().st_size}))


def bar_of(title: str):
    if not sys.stderr.isatty():
        return None
    from tqdm import tqdm

    return lambda items: tqdm(items, desc=title)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="facedet-training", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in (add_train, add_evaluate, add_export, add_quantize, add_compare, add_calibrate, add_ablate, add_pack):
        add(commands)
    args = parser.parse_args(argv)
    try:
        args.run(args)
    except (ValueError, FileNotFoundError) as error:
        print(f"facedet-training: {error}", file=sys.stderr)
        return 2
    return 0
