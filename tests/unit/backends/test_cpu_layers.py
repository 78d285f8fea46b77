"""Layers with their own CPU implementation give the results of the framework's layers."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import facezoo
from facezoo.backends.torch.conv import Conv2d
from facezoo.backends.torch.prelu import PReLU

DTYPES = [torch.float64, torch.float32, torch.bfloat16]


def prelu_case(dtype, layout, shape=(4, 6, 9, 7)):
    rng = np.random.default_rng(5)
    x = torch.from_numpy(rng.normal(size=shape)).to(dtype)
    if layout == "channels last":
        x = x.contiguous(memory_format=torch.channels_last)
    x[0, 0] = 0.0  # the kink
    module = PReLU(shape[1])
    with torch.no_grad():
        module.weight.copy_(torch.from_numpy(rng.uniform(-0.5, 1.0, shape[1])))
    return x.requires_grad_(), module.to(dtype), torch.from_numpy(rng.normal(size=shape)).to(dtype)


@pytest.mark.parametrize("layout", ["channels first", "channels last"])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_prelu_equals_torchs(dtype, layout):
    x, module, given = prelu_case(dtype, layout)
    ours = module(x)
    assert ours.grad_fn.name() != "PreluKernelBackward0"  # tests the separate operations
    theirs = F.prelu(x, module.weight)
    assert torch.equal(ours, theirs)
    for mine, expected in zip(
        torch.autograd.grad(ours, (x, module.weight), given),
        torch.autograd.grad(theirs, (x, module.weight), given),
        strict=True,
    ):
        assert mine.dtype == expected.dtype
        assert torch.allclose(mine.double(), expected.double(), rtol=1e-2 if dtype == torch.bfloat16 else 1e-5)


def test_prelu_of_vectors_and_second_derivatives():
    module = PReLU(3).double()
    x = torch.randn(5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1), requires_grad=True)

    def call(x, slope):
        return torch.func.functional_call(module, {"weight": slope}, (x,))

    assert torch.autograd.gradcheck(call, (x, module.weight))
    assert torch.autograd.gradgradcheck(call, (x, module.weight))


def test_prelu_keeps_slopes_in_float32_under_autocast():
    module = PReLU(4)
    x = torch.randn(2, 4, 5, 5, dtype=torch.bfloat16, generator=torch.Generator().manual_seed(2))
    with torch.autocast("cpu", torch.bfloat16):
        y = module(x)
    y.float().sum().backward()
    assert y.dtype == torch.bfloat16
    assert module.weight.grad.dtype == torch.float32
    expected = torch.where(x > 0, 0.0, x.double()).sum((0, 2, 3))
    assert torch.allclose(module.weight.grad.double(), expected, rtol=1e-2)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_strided_depthwise_convolution_equals_torchs(precision):
    ours, theirs = Conv2d(8, 8, 3, 2, 1, groups=8, bias=False), nn.Conv2d(8, 8, 3, 2, 1, groups=8, bias=False)
    theirs.load_state_dict(ours.state_dict())
    found = []
    for module in (ours, theirs):
        x = torch.from_numpy(np.random.default_rng(8).normal(size=(2, 8, 10, 10))).float().requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            inside = x.bfloat16() if precision == "bfloat16" else x
            y = module(inside)
        y.float().square().sum().backward()
        found.append((y.detach(), x.grad, module.weight.grad))
    assert found[0][0].dtype == found[1][0].dtype
    for mine, expected in zip(*found, strict=True):
        scale = expected.float().abs().max()
        assert (mine.float() - expected.float()).abs().max() <= (0.02 if precision == "bfloat16" else 1e-6) * scale


def test_a_network_in_training_compiles_without_graph_breaks():
    module = facezoo.create_backbone("MobileFaceNet", backend="torch", seed=1, input_size=32, embedding_size=8)
    module.train()
    torch._dynamo.reset()
    images = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(3))
    for precision in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=precision):
            captured = torch.compile(module, fullgraph=True, backend="eager")
            assert captured(images).shape == (3, 8)
