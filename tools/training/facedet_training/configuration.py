"""YAML files → the options of a run; a misspelt key is an error, not a silent default."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import yaml

from .train import Options

CONFIGS = Path(__file__).resolve().parent.parent / "configs"


def read_yaml(path: Path) -> dict:
    try:
        return yaml.safe_load(path.read_text()) or {}
    except FileNotFoundError:
        known = ", ".join(sorted(p.name for p in CONFIGS.glob("*.yaml")))
        raise FileNotFoundError(f"{path}: expected a configuration file, found none; there are {known}") from None


def find_config(name: str | Path) -> Path:
    """A path, or the name of a file in `configs/`, with or without `.yaml`."""
    path = Path(name)
    if path.exists():
        return path
    inside = CONFIGS / path.name
    return inside if inside.exists() else inside.with_name(path.name + ".yaml")


def make_options(values: dict, where: str = "train") -> Options:
    known = {f.name for f in fields(Options)}
    unknown = set(values) - known
    if unknown:
        raise ValueError(f"{where}: unknown {', '.join(sorted(unknown))}; expected {', '.join(sorted(known))}")
    return Options(**values)


def read_config(name: str | Path) -> tuple[dict, dict]:
    """The training values and the data description of a config; its own values take the place of those of its `base`."""
    path = find_config(name)
    config = read_yaml(path)
    if "base" in config:
        values, data = read_config(find_config(path.parent / config["base"]))
        return values | config.get("train", {}), data
    data = config.get("data", "data.yaml")
    if isinstance(data, str):
        beside = path.parent / data
        data = read_yaml(beside if beside.exists() else find_config(data))
    return config.get("train", {}), data


def data_of(data: dict, values: dict, root: Path, folder: Path, threads: int = 1, progress=None):
    """The cache of a config's data, and the indices to train on and to tune on; sets `set_weights` from the data's."""
    from .batches import tuning_split
    from .prepare import prepared_cache, set_weights

    cache = prepared_cache(data, root, folder, max(threads, 1), progress)
    values.setdefault("set_weights", set_weights(data))
    return cache, *tuning_split(cache, data.get("tuning_seed", 0), data.get("tuning_share", 0.1))
