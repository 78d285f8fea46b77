"""Every backbone can be captured as one graph: torch.compile, torch.export, torch.fx, paddle.jit.to_static."""

import numpy as np
import pytest
from quick_networks import perturbed, small

import facezoo
from facezoo.zoo import catalog

NAMES = [pytest.param(name, marks=() if name == "LightSENet" else pytest.mark.full) for name in catalog.BACKBONES]

TRACED = ("LightSENet", "MobileFaceNet", "ResNeSt50")  # the layers that need care


def built(name, backend):
    module = perturbed(facezoo.create_backbone(name, backend=backend, seed=1, **small(name)), 2)
    module.eval()
    shape = (3, module.spec.in_channels, *module.spec.input_size)
    return module, np.random.default_rng(3).uniform(-1, 1, shape).astype(np.float32)


def same(captured, eager):
    assert 0 < np.abs(eager).max() < np.inf
    assert np.abs(captured - eager).max() <= 1e-4 * np.abs(eager).max()


@pytest.mark.parametrize("name", NAMES)
def test_torch_compiles_without_graph_breaks(name):
    torch = pytest.importorskip("torch")
    module, images = built(name, "torch")
    torch._dynamo.reset()
    with torch.no_grad():
        eager = module(torch.from_numpy(images))
        captured = torch.compile(module, fullgraph=True, backend="eager")(torch.from_numpy(images))
    same(captured.numpy(), eager.numpy())


@pytest.mark.parametrize("name", NAMES)
def test_torch_exports_with_any_batch(name):
    torch = pytest.importorskip("torch")
    module, images = built(name, "torch")
    batch = torch.export.Dim("batch", min=1, max=64)
    with torch.no_grad():
        program = torch.export.export(module, (torch.from_numpy(images[:2]),), dynamic_shapes=({0: batch},))
        captured, eager = program.module()(torch.from_numpy(images)), module(torch.from_numpy(images))
    same(captured.numpy(), eager.numpy())


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in TRACED else pytest.mark.full) for name in catalog.BACKBONES]
)
def test_torch_traces_symbolically(name):
    """As FX quantisation and torchvision's feature extractor do."""
    torch = pytest.importorskip("torch")
    module, images = built(name, "torch")
    traced = torch.fx.symbolic_trace(module)
    with torch.no_grad():
        same(traced(torch.from_numpy(images)).numpy(), module(torch.from_numpy(images)).numpy())


@pytest.mark.parametrize("name", NAMES)
def test_paddle_makes_one_static_graph(name):
    paddle = pytest.importorskip("paddle")
    module, images = built(name, "paddle")
    with paddle.no_grad():
        eager = module(paddle.to_tensor(images)).numpy()
        shape = [None, *images.shape[1:]]
        spec = [paddle.static.InputSpec(shape, "float32")]
        captured = paddle.jit.to_static(module, input_spec=spec, full_graph=True)(paddle.to_tensor(images)).numpy()
    same(captured, eager)
