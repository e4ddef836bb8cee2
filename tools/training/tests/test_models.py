"""The four networks: published sizes, and official weights giving the official outputs."""

import numpy as np
import pytest
import torch
from torch import nn

from facedet_training.export import Exported, fold_norms
from facedet_training.models import ARCHITECTURES, build, operations, parameter_count

# Millions of parameters, and 10⁹ operations at 640 × 480 as the official repository gives them (the paper rounds to 0.5, 2.5, 10, 34).
PUBLISHED = {"scrfd_0.5g": (0.57, 0.508), "scrfd_2.5g": (0.67, 2.53), "scrfd_10g": (3.86, 9.98), "scrfd_34g": (9.80, 34.13)}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_sizes_are_the_published_ones(name):
    model = build(name)
    parameters, gflops = PUBLISHED[name]
    assert parameter_count(model) / 1e6 == pytest.approx(parameters, rel=0.02)
    assert operations(model) / 1e9 == pytest.approx(gflops, rel=0.02)


@pytest.mark.parametrize("name", ["scrfd_0.5g", "scrfd_0.5g_kps", "scrfd_2.5g_kps", "scrfd_34g"])
def test_outputs_have_the_decoders_shapes(name):
    model = build(name).eval()
    with torch.no_grad():
        scores, distances, points = model(torch.zeros(2, 3, 96, 160))
    rows = [96 // s * (160 // s) * 2 for s in (8, 16, 32)]
    assert [tuple(s.shape) for s in scores] == [(2, r, 1) for r in rows]
    assert [tuple(d.shape) for d in distances] == [(2, r, 4) for r in rows]
    assert [tuple(p.shape) for p in points] == ([(2, r, 10) for r in rows] if name.endswith("kps") else [])


def test_an_unknown_model_is_named_with_those_there_are():
    with pytest.raises(ValueError, match="scrfd_10g"):
        build("scrfd_3g")


def test_a_fresh_network_calls_few_anchors_faces():
    model = build("scrfd_0.5g_kps").eval()
    with torch.no_grad():
        scores, _, _ = model(torch.randn(1, 3, 64, 64))
    assert all(s.sigmoid().mean() < 0.05 for s in scores)


def convolutions(model: nn.Module) -> list[nn.Conv2d]:
    """In the order in which the official graphs compute them."""
    parts = [m for part in (model.backbone, model.neck) for m in part.modules() if isinstance(m, nn.Conv2d)]
    for head in model.heads:
        parts += [m for m in head.tower if isinstance(m, nn.Conv2d)]
        parts += [p for p in (head.score, head.box, head.points) if p is not None]
    return parts


def load_official(model: nn.Module, path) -> None:
    """Weights of an official ONNX file into our (folded) network, convolution by convolution in graph order."""
    onnx = pytest.importorskip("onnx")
    from onnx import numpy_helper

    graph = onnx.load(str(path)).graph
    values = {i.name: torch.from_numpy(numpy_helper.to_array(i).copy()) for i in graph.initializer}
    seen, found, scales = set(), [], []
    for node in graph.node:
        # A shared head appears once a stride, with the same weights; only its norms' figures were copied by the exporter.
        if node.op_type == "Conv":
            name = node.input[1]
            if name not in seen:
                found.append([values[i] for i in node.input[1:]])
            seen.add(name)
        elif node.op_type == "Mul" and node.input[1].startswith("bbox_head.scales"):
            scales.append(values[node.input[1]].reshape(()))
    ours = convolutions(model)
    assert len(ours) == len(found)
    with torch.no_grad():
        for conv, weights in zip(ours, found):
            assert conv.weight.shape == weights[0].shape
            conv.weight.copy_(weights[0])
            if len(weights) > 1:
                conv.bias.copy_(weights[1])
        if model.scales is not None:
            model.scales.copy_(torch.stack(scales))
        norms = [m for head in model.heads for m in head.tower if isinstance(m, nn.GroupNorm)]
        pairs = iter(group_norms(graph, values))
        for norm in norms:
            weight, bias = next(pairs)
            norm.weight.copy_(weight.reshape(-1))
            norm.bias.copy_(bias.reshape(-1))


def group_norms(graph, values):
    """(weight, bias) of each norm: it is exported as an instance norm with a multiplication and an addition behind."""
    users = {}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)
    for node in graph.node:
        if node.op_type != "InstanceNormalization":
            continue
        (reshape,) = users[node.output[0]]
        (multiply,) = users[reshape.output[0]]
        (add,) = users[multiply.output[0]]
        yield [next(values[i] for i in step.input if i in values) for step in (multiply, add)]


@pytest.mark.parametrize(
    "ours, official",
    [
        ("scrfd_0.5g", "scrfd_500m"),
        ("scrfd_0.5g_kps", "scrfd_500m_kps"),
        ("scrfd_2.5g", "scrfd_2.5g"),
        ("scrfd_2.5g_kps", "scrfd_2.5g_kps"),
    ],
)
def test_official_weights_in_our_network_give_the_official_outputs(shared, ours, official):
    onnxruntime = pytest.importorskip("onnxruntime")
    path = shared / "models" / f"{official}.onnx"
    model = fold_norms(build(ours))
    load_official(model, path)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    image = np.random.default_rng(0).uniform(-1, 1, (1, 3, 160, 224)).astype(np.float32)
    expected = {o.name: v for o, v in zip(session.get_outputs(), session.run(None, {session.get_inputs()[0].name: image}))}
    with torch.no_grad():
        outputs = Exported(model.eval())(torch.from_numpy(image))
    kinds = ["score", "bbox", "kps"][: len(outputs) // 3]
    for name, value in zip([f"{k}_{s}" for k in kinds for s in (8, 16, 32)], outputs):
        assert np.abs(value.numpy() - expected[name]).max() < 2e-4, name
