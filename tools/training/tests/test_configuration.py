"""Every configuration that ships is a valid run; a misspelt one says so; studies and evaluation are put together rightly."""

import argparse

import pytest
import torch

from facedet_training import ablate, cli, evaluate
from facedet_training.augment import Augmentation
from facedet_training.configuration import CONFIGS, make_options, read_config, read_yaml
from facedet_training.criterion import LossOptions
from facedet_training.models import architecture

from .synthetic import drawn_cache

MODELS = sorted(path.stem for path in CONFIGS.glob("*.yaml") if path.stem not in ("data", "ablations"))


def check(values):
    values = {k: v for k, v in values.items() if k != "epochs"}
    options = make_options(values)
    architecture(options.model, **options.overrides)
    Augmentation(**options.augmentation)
    LossOptions(**options.losses)
    return options


@pytest.mark.parametrize("name", MODELS)
def test_configurations_are_valid(name):
    values, data = read_config(name)
    check(values)
    assert data["sets"]


def test_a_config_may_change_another():
    base, base_data = read_config("default_weights_640")
    values, data = read_config("default_weights_640_more")
    assert values == base | {"lr": 0.002, "muon_lr": 0.0133, "seed": 6} and data == base_data
    assert values != base


def test_the_papers_recipe():
    values, _ = read_config("scrfd_34g")
    assert (values["epochs"], values["lr"], values["batch_size"], values["weight_decay"]) == (640, 0.01, 8, 5e-4)
    assert values["warmup"] == pytest.approx(3 / 640)


def test_the_eight_studies():
    studies = read_yaml(CONFIGS / "ablations.yaml")["studies"]
    assert len(studies) == 8
    values, _ = read_config("default_weights")
    for study in studies.values():
        assert study["expected"] and len(study["variants"]) > 1
        for change in study["variants"].values():
            check(ablate.merged(values, change.get("train", {})))
    assert "sample_redistribution" in ablate.list_studies("ablations")


def test_what_is_misspelt_is_named(tmp_path):
    with pytest.raises(ValueError, match="learning_rate.*expected.*lr"):
        make_options({"learning_rate": 1})
    with pytest.raises(FileNotFoundError, match="default_weights.yaml"):
        read_config("no_such_config")
    for text in ("640", "640x640", "96x64"):
        cli.parse_size(text)
    for text in ("630x640", "x", "0"):
        with pytest.raises(ValueError, match="multiples of 32"):
            cli.parse_size(text)
    assert cli.main(["train", "--config", "no_such_config", "--data-root", str(tmp_path)]) == 2


def test_a_study_trains_once_what_differs_only_in_its_test(tmp_path, monkeypatch):
    threads = torch.get_num_threads()
    cache = drawn_cache(6)
    monkeypatch.setattr(ablate, "data_of", lambda *a: (cache, list(range(6)), [0, 1, 2]))
    config = tmp_path / "studies.yaml"
    config.write_text(
        "base: default_weights\nstudies:\n  size:\n    expected: more pixels find more\n    variants:\n"
        "      small: { train: &t { batch_size: 2, augmentation: { size: 64 } }, test: { size: 64 } }\n"
        "      large: { train: *t, test: { size: 128, degraded: true } }\n"
    )
    args = argparse.Namespace(
        study="size",
        config=str(config),
        data_root=tmp_path,
        images=8,
        seeds=1,
        output=tmp_path / "out",
        cache=tmp_path,
        threads=1,
        set="drawn",
    )
    table = ablate.run_study(args)
    torch.set_num_threads(threads)
    assert "| small |" in table and "| large |" in table and "Expected: more pixels" in table
    assert len(list((tmp_path / "out" / "runs").iterdir())) == 1
    args.study = "color"
    with pytest.raises(ValueError, match="expected a study among size"):
        ablate.run_study(args)


def test_the_judged_half_of_a_sequence(tmp_path):
    (tmp_path / "seqinfo.ini").write_text("[Sequence]\nname=x\nseqLength=2\n")
    (tmp_path / "det.txt").write_text("1,-1,0,0,5,5,0.9\n4,-1,0,0,5,5,0.9\n5,-1,1,0,5,5,0.8\n")
    assert ablate.judged_part(tmp_path) == "1,-1,0,0,5,5,0.9\n2,-1,1,0,5,5,0.8\n"
    assert ablate.untracked("1,-1,0,0,5,5,0.9\n1,-1,0,0,5,5,0.1\n", 0.6) == "1,1,0,0,5,5,0.9,-1,-1,-1\n"


def test_a_flat_folder_is_shown_in_the_official_layout(tmp_path):
    flat = tmp_path / "flat"
    (flat / "images").mkdir(parents=True)
    (flat / "wider_face_val_bbx_gt.txt").write_text("x")
    root = evaluate.official_layout(flat, tmp_path / "links")
    assert (root / "wider_face_split" / "wider_face_val_bbx_gt.txt").read_text() == "x"
    assert (root / "WIDER_val" / "images").is_dir()
    assert evaluate.official_layout(tmp_path, tmp_path / "other") == tmp_path


def test_a_command_that_fails_shows_why(tmp_path):
    with pytest.raises(ValueError, match="ended with 3: no such thing"):
        evaluate.evaluate_onnx(tmp_path / "m.onnx", tmp_path, tmp_path, facedet="sh -c echo\\ no\\ such\\ thing>&2;exit\\ 3")
