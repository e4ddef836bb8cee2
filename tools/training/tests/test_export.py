"""The ONNX file is the network: folded, of any batch and size, within 1e-4; INT8 of it, and what is refused."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

from facedet_training.compare import milliseconds, score_noise
from facedet_training.export import difference, export_onnx, fold_norms, load_checkpoint, open_session, pack_checkpoint
from facedet_training.models import build
from facedet_training.quantize import calibration_tensors, quantize_model
from facedet_training.train import Run

from .synthetic import drawn_cache
from .tiny_run import tiny_options

onnx = pytest.importorskip("onnx")
REPOSITORY = Path(__file__).resolve().parents[3]


def lively(name):
    """A network whose norms are no longer those it was born with."""
    torch.manual_seed(0)
    model = build(name)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_mean, -0.2, 0.2)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
    return model.eval()


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    model = lively("scrfd_0.5g_kps")
    assert export_onnx(model, path, (64, 64)) < 1e-4
    return model, path


def test_the_file_is_as_the_decoder_expects(exported):
    _, path = exported
    document = onnx.load(str(path))
    assert document.opset_import[0].version >= 17
    names = [o.name for o in document.graph.output]
    assert names == [f"{k}_{s}" for k in ("score", "bbox", "kps") for s in (8, 16, 32)]
    shape = document.graph.input[0].type.tensor_type.shape.dim
    assert [bool(d.dim_param) for d in shape] == [True, False, True, True]
    assert not any(n.op_type == "BatchNormalization" for n in document.graph.node)
    outputs = open_session(path).run(None, {"input.1": np.zeros((3, 3, 96, 64), np.float32)})
    assert [o.shape for o in outputs] == [(3, r, k) for k in (1, 4, 10) for r in (192, 48, 12)]
    assert all(((o >= 0) & (o <= 1)).all() for o in outputs[:3])


def test_shared_heads_with_group_norm_export_too(tmp_path):
    assert export_onnx(lively("scrfd_0.5g"), tmp_path / "plain.onnx", (64, 64)) < 1e-4


def test_a_file_that_differs_is_told(exported, tmp_path):
    model, path = exported
    other = lively("scrfd_0.5g_kps")
    with torch.no_grad():
        other.heads[0].box.bias.add_(0.5)
    assert difference(other, path) > 0.1 > difference(model, path)


def test_folding_leaves_the_model_alone():
    model = lively("scrfd_0.5g_kps")
    before = {k: v.clone() for k, v in model.state_dict().items()}
    fold_norms(model)
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())


def test_checkpoints_are_packed_and_read(tmp_path):
    run = Run(tiny_options(8), drawn_cache(2), range(2), tmp_path)
    run.train()
    pack_checkpoint(tmp_path / "last.pt", tmp_path / "small.pt")
    assert (tmp_path / "small.pt").stat().st_size < 0.4 * (tmp_path / "last.pt").stat().st_size
    whole, small = load_checkpoint(tmp_path / "last.pt").state_dict(), load_checkpoint(tmp_path / "small.pt").state_dict()
    assert all(torch.allclose(a.float(), b.float(), atol=2e-3, rtol=2e-3) for a, b in zip(whole.values(), small.values()))
    # Statistics behind the neck, which has no norm, pass half precision's range (65,504).
    state = torch.load(tmp_path / "last.pt", weights_only=True)
    name = next(k for k in state["ema"] if k.endswith("running_mean"))
    state["ema"][name][0] = 88_360.0
    torch.save(state, tmp_path / "far.pt")
    pack_checkpoint(tmp_path / "far.pt", tmp_path / "far_small.pt")
    assert float(load_checkpoint(tmp_path / "far_small.pt").state_dict()[name][0]) == 88_360.0
    again = Run(tiny_options(8), drawn_cache(2), range(2), tmp_path / "again")
    again.start_from(tmp_path / "small.pt")
    assert again.step == 0
    with pytest.raises(FileNotFoundError, match="expected a checkpoint"):
        load_checkpoint(tmp_path / "none.pt")
    torch.save({"ema": {}}, tmp_path / "foreign.pt")
    with pytest.raises(ValueError, match="options"):
        load_checkpoint(tmp_path / "foreign.pt")


def pictures(count=4):
    cache = drawn_cache(count)
    return [cache.image(i) for i in range(count)]


@pytest.mark.parametrize("method, calibration", [("dynamic", "minmax"), ("static", "minmax"), ("static", "percentile")])
def test_int8_stays_near(exported, tmp_path, method, calibration):
    _, path = exported
    output = tmp_path / "int8.onnx"
    result = quantize_model(path, method, output=output, images=pictures(), size=(128, 128), count=4, calibration=calibration)
    assert output.exists() and output.stat().st_size < 0.6 * path.stat().st_size
    kinds = {n.op_type for n in result.graph.node}
    assert kinds & ({"ConvInteger", "DynamicQuantizeLinear"} if method == "dynamic" else {"QuantizeLinear"})
    image = np.random.default_rng(1).uniform(-1, 1, (1, 3, 64, 96)).astype(np.float32)
    whole, small = (open_session(p).run(None, {"input.1": image}) for p in (path, output))
    for a, b in zip(whole[3:6], small[3:6]):
        assert np.abs(a - b).mean() < 0.25


def test_layers_may_stay_fp32(exported):
    _, path = exported
    result = quantize_model(path, "static", images=pictures(), size=(64, 64), count=2, keep_depthwise=True)
    scales = {i for n in result.graph.node if n.op_type == "DequantizeLinear" for i in n.output}
    grouped = [n for n in result.graph.node if n.op_type == "Conv" and any(a.name == "group" and a.i > 1 for a in n.attribute)]
    assert grouped and all(n.input[1] not in scales for n in grouped)


def test_noise_and_time_of_int8(exported, tmp_path):
    _, path = exported
    quantize_model(path, "static", output=tmp_path / "int8.onnx", images=pictures(), size=(64, 64), count=2)
    tensors = list(calibration_tensors(pictures(), (64, 64), 3))
    assert score_noise(path, path, tensors, 0) == {8: 0, 16: 0, 32: 0}
    noise = score_noise(path, tmp_path / "int8.onnx", tensors, 0)
    pair = [open_session(p) for p in (path, tmp_path / "int8.onnx")]
    for i, stride in enumerate((8, 16, 32)):
        a, b = (np.concatenate([s.run(None, {s.get_inputs()[0].name: t})[i].ravel() for t in tensors]) for s in pair)
        assert noise[stride] == pytest.approx(np.sqrt(((a - b) ** 2).mean()), rel=1e-4) and noise[stride] > 0
    assert score_noise(path, path, tensors, 1.1) == {8: None, 16: None, 32: None}
    assert all(ms > 0 for ms in milliseconds([path, tmp_path / "int8.onnx"], (64, 64), 2))


def test_what_quantize_refuses(exported):
    _, path = exported
    with pytest.raises(ValueError, match="dynamic or static"):
        quantize_model(path, "int4")
    with pytest.raises(ValueError, match="images to calibrate"):
        quantize_model(path, "static")
    with pytest.raises(ValueError, match="minmax, percentile, entropy"):
        quantize_model(path, "static", images=pictures(), calibration="mean")


def test_official_weights_of_an_old_opset_are_quantized(shared, tmp_path):
    path = shared / "models" / "scrfd_2.5g_kps.onnx"
    quantize_model(path, "static", output=tmp_path / "int8.onnx", images=pictures(), size=(128, 128), count=2)
    outputs = open_session(tmp_path / "int8.onnx").run(None, {"input.1": np.zeros((1, 3, 64, 64), np.float32)})
    assert outputs[0].shape == (1, 128, 1)


def test_the_node_runtime_loads_it(exported, tmp_path):
    built = REPOSITORY / "packages" / "runtime-node" / "dist" / "index.js"
    if not built.exists() or shutil.which("node") is None:
        pytest.skip("needs node and the built @facedet/runtime-node (pnpm build)")
    _, path = exported
    script = tmp_path / "load.mjs"
    script.write_text(
        f"import {{ onnxBackend }} from {json.dumps(built.as_uri())};\n"
        f"const session = await onnxBackend().createSession({json.dumps(str(path))});\n"
        "const data = new Float32Array(3 * 64 * 64);\n"
        "const outputs = await session.run({ [session.inputs[0].name]: { data, dims: [1, 3, 64, 64], type: 'float32' } });\n"
        "console.log(JSON.stringify(Object.fromEntries(Object.entries(outputs).map(([k, v]) => [k, v.dims]))));\n"
        "await session.dispose();\n"
    )
    done = subprocess.run(["node", str(script)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["kps_8"] == [1, 128, 10]
