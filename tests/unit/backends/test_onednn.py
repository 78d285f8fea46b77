"""Training with oneDNN on paddle equals float64, and leaves every other case to paddle."""

import os
import subprocess
import sys
import warnings

import numpy as np
import pytest

from facezoo import backends

backends.load("paddle")

import paddle  # noqa: E402

from facezoo.backends.paddle.conv import Conv2D  # noqa: E402
from facezoo.backends.paddle.layers import ConvBN, ConvBNPReLU  # noqa: E402
from facezoo.backends.paddle.norm import BatchNorm2D  # noqa: E402
from facezoo.backends.paddle.onednn import cache, convolution, library, sequence  # noqa: E402
from facezoo.backends.paddle.prelu import PReLU  # noqa: E402
from facezoo.zoo import catalog  # noqa: E402

BOUND = 2e-6  # of the largest value: float32 rounds at 6e-8, and sums have up to 1e5 terms


@pytest.fixture(autouse=True)
def _available():
    assert library.find() is not None, "paddle's wheel has no oneDNN of a tested version"


def used(y) -> bool:
    """Whether a tensor was computed by oneDNN."""
    return "Chain" in y.grad_fn.name()


@pytest.fixture
def fixed():
    """A generator for layers behind a norm: for one draw in a hundred, rounding alone exceeds any strict bound."""
    return np.random.default_rng(0)


def values(rng, *shape):
    return rng.standard_normal(shape).astype(np.float32)


def passed(make, images, given, dtype):
    """Output, gradients and state of a layer in training; ``make`` returns the layer and the call."""
    layer, call = make()
    layer.train()
    if dtype == "float64":
        layer.to(dtype="float64")
    x = paddle.to_tensor(images.astype(dtype), stop_gradient=False)
    y = call(x)
    assert used(y) == (dtype == "float32")
    y.backward(paddle.to_tensor(given.astype(dtype)))
    found = {"output": y, "input": x.grad}
    found |= {f"gradient of {name}": value.grad for name, value in layer.named_parameters() if not value.stop_gradient}
    found |= {name: value for name, value in layer.named_buffers()}
    return {name: value.numpy().astype(np.float64) for name, value in found.items()}


def check(make, images, rng, bound=BOUND):
    shape = make()[1](paddle.to_tensor(images)).shape
    given = values(rng, *shape)
    mine, right = (passed(make, images, given, dtype) for dtype in ("float32", "float64"))
    assert mine.keys() == right.keys()
    for name, value in mine.items():
        error = np.abs(value - right[name]).max() / max(np.abs(right[name]).max(), 1e-3)
        assert error <= bound, f"{name}: {error:.1e}"


def filled(layer, rng):
    """The same layer with random parameters, made anew at each call, as :func:`check` needs it."""
    state = {name: values(rng, *value.shape) for name, value in layer.state_dict().items()}
    for name in state:
        if "variance" in name:
            state[name] = np.abs(state[name])

    def make():
        layer.set_state_dict(state)
        layer.clear_gradients()
        return layer.to(dtype="float32"), layer

    return make


CONVOLUTIONS = {  # in, out, kernel, stride, padding, dilation, groups, bias
    "1x1": (6, 20, 1, 1, 0, 1, 1, False),
    "1x1 strided": (16, 8, 1, 2, 0, 1, 1, True),
    "3x3": (3, 16, 3, 1, 1, 1, 1, False),
    "3x3 strided": (16, 24, 3, 2, 1, 1, 1, True),
    "7x7 strided": (3, 8, 7, 2, 3, 1, 1, False),
    "patches": (3, 12, 4, 4, 0, 1, 1, True),
    "depthwise": (20, 20, 3, 1, 1, 1, 20, False),
    "depthwise strided": (16, 16, 5, 2, 2, 1, 16, True),
    "depthwise over the map": (8, 8, (9, 7), 1, 0, 1, 8, False),
    "grouped": (12, 18, 3, 1, 1, 1, 3, False),
    "more outputs than groups": (8, 16, 3, 1, 1, 1, 8, True),
    "asymmetric": (6, 10, (1, 5), 1, (0, 2), 1, 1, True),
    "dilated": (6, 10, 3, 1, 2, 2, 1, False),
    "uneven strides": (6, 10, (3, 2), (2, 1), (1, 0), (1, 2), 2, True),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolution(name, rng):
    c, o, kernel, stride, padding, dilation, groups, bias = CONVOLUTIONS[name]
    layer = Conv2D(c, o, kernel, stride, padding, dilation, groups, bias_attr=None if bias else False)
    check(filled(layer, rng), values(rng, 2, c, 9, 7), rng)


@pytest.mark.full
def test_every_convolution_of_the_zoo(rng):
    native, seen = backends.module("paddle", "introspect"), set()
    for name, spec in catalog.BACKBONES.items():
        layers = [item for item in native.outline(spec).sublayers() if isinstance(item, paddle.nn.Conv2D)]
        assert all(isinstance(item, Conv2D) for item in layers), f"{name} has a convolution of paddle"
        for item in layers:
            shape = (item.weight.shape[1] * item._groups, *item.weight.shape)
            how = (tuple(item._stride), item._padding, tuple(item._dilation), item._groups, item.bias is not None)
            seen.add((shape, *(tuple(part) if isinstance(part, list) else part for part in how)))
    for (c, o, _, *kernel), stride, padding, dilation, groups, bias in sorted(seen, key=str):
        layer = Conv2D(c, o, kernel, stride, padding, dilation, groups, bias_attr=None if bias else False)
        check(filled(layer, rng), values(rng, 2, c, max(kernel[0], 7), max(kernel[1], 8)), rng)


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("channels", [16, 5])
def test_batch_norm_behind_a_convolution(affine, channels, fixed):
    layers = paddle.nn.LayerList([Conv2D(3, channels, 3, bias_attr=False), BatchNorm2D(channels, 1e-3, 0.2, affine)])
    make = filled(layers, fixed)
    check(lambda: (make()[0], lambda x: sequence.apply(x, *layers)), values(fixed, 4, 3, 9, 8), fixed, 2e-5)


def test_a_fixed_weight_with_a_trained_bias(fixed):
    layers = paddle.nn.LayerList([Conv2D(3, 8, 3, bias_attr=False), BatchNorm2D(8)])
    layers[1].weight.stop_gradient = True
    make = filled(layers, fixed)
    check(lambda: (make()[0], lambda x: sequence.apply(x, *layers)), values(fixed, 4, 3, 9, 8), fixed, 2e-5)


@pytest.mark.parametrize("shape", [(2, 16, 5, 6), (3, 5, 4, 7)])
def test_prelu(shape, rng):
    check(filled(PReLU(shape[1]), rng), values(rng, *shape), rng)


@pytest.mark.parametrize("act", ["prelu", "relu", "relu6", "silu", "hard_swish", "sigmoid"])
def test_block(act, fixed):
    spec = catalog.backbone_spec("MobileFaceNet")
    block = paddle.nn.LayerList(
        [ConvBN(spec, 6, 24, 3, 2, act=act, padding=(0, 1, 0, 1)), ConvBNPReLU(spec, 24, 24, 3, groups=24)]
    )
    make = filled(block, fixed)
    check(lambda: (make()[0], lambda x: block[1](block[0](x))), values(fixed, 4, 6, 11, 10), fixed, 2e-5)


def test_running_statistics_stand_still_while_activations_are_recomputed():
    network = catalog.backbone_spec("IR18", input_size=32, embedding_size=8, checkpointing=True)
    module = backends.load("paddle").build_backbone(network)
    module.train()
    images = paddle.to_tensor(values(np.random.default_rng(0), 2, 3, 32, 32), stop_gradient=False)
    y = module(images)
    before = {name: value.numpy() for name, value in module.named_buffers()}
    y.sum().backward()
    assert all(np.array_equal(before[name], value.numpy()) for name, value in module.named_buffers())


@pytest.mark.parametrize("value", [np.inf, np.nan, 3e38])
def test_values_that_are_not_finite_pass_without_a_warning(value, rng):
    layers = paddle.nn.LayerList([Conv2D(3, 8, 3), BatchNorm2D(8)])
    images = values(rng, 2, 3, 6, 6)
    images[0, 0, 2, 2] = value
    y = sequence.apply(paddle.to_tensor(images, stop_gradient=False), *layers)
    y.sum().backward()
    assert used(y)
    assert not np.isfinite(y.numpy()).all()


def conv_and_input(rng):
    layer = Conv2D(4, 8, 3, padding=1)
    return layer, paddle.to_tensor(values(rng, 2, 4, 6, 5), stop_gradient=False)


def test_other_cases_are_left_to_paddle(rng, monkeypatch):
    layer, x = conv_and_input(rng)
    assert used(layer(x))
    layer.eval()
    assert not used(layer(x))
    layer.train()
    assert not used(layer.to(dtype="float64")(x.astype("float64")))
    layer.to(dtype="float32")
    with monkeypatch.context() as context:
        context.setattr(paddle, "is_autocast_enabled", lambda: True)
        assert not used(layer(x))
    assert not used(Conv2D(4, 8, 3, padding="same")(x))
    assert not used(Conv2D(4, 8, 3, padding=1, padding_mode="reflect")(x))
    norm = BatchNorm2D(8)
    hook = norm.register_forward_post_hook(lambda *_: None)
    assert not used(sequence.apply(x, layer, norm))
    hook.remove()
    assert used(sequence.apply(x, layer, norm))


def test_a_case_without_a_kernel_is_left_to_paddle(rng, monkeypatch):
    def refuse(*_):
        raise library.OneDNNError("dnnl_convolution_forward_primitive_desc_create", 3)

    layer, x = conv_and_input(rng)
    monkeypatch.setattr(convolution, "cached", refuse)
    assert not used(layer(x))


def test_a_network_in_training_can_be_saved_as_a_program(tmp_path, rng):
    layer, x = conv_and_input(rng)
    spec = paddle.static.InputSpec([None, 4, 6, 5], "float32")
    paddle.jit.save(paddle.jit.to_static(layer, full_graph=True), str(tmp_path / "net"), input_spec=[spec])
    again = paddle.jit.load(str(tmp_path / "net"))
    assert np.abs(again(x).numpy() - layer.forward(x).numpy()).max() < 1e-5


def test_strided_inputs_and_gradients(rng):
    layer, _ = conv_and_input(rng)
    dense = values(rng, 2, 6, 5, 4)
    x = paddle.to_tensor(dense, stop_gradient=False)
    (layer(x.transpose([0, 3, 1, 2])).transpose([0, 2, 3, 1]) ** 2).sum().backward()
    plain = paddle.to_tensor(np.ascontiguousarray(dense.transpose(0, 3, 1, 2)), stop_gradient=False)
    (layer(plain) ** 2).sum().backward()
    assert np.allclose(x.grad.numpy().transpose(0, 3, 1, 2), plain.grad.numpy(), rtol=1e-5, atol=1e-5)


def test_what_one_pass_cannot_give_is_an_error(rng):
    layer, x = conv_and_input(rng)
    loss = (layer(x) ** 2).sum()
    loss.backward(retain_graph=True)
    with pytest.raises(OSError, match="second backward pass"):
        loss.backward()
    with pytest.raises(OSError, match="derivative of a derivative"):
        paddle.grad((layer(x) ** 2).sum(), [x], create_graph=True)
    loss = layer(x).sum()
    with paddle.no_grad():
        layer.weight.scale_(2.0)
    with pytest.raises(OSError, match="changed in place"):
        loss.backward()


def test_only_the_wanted_gradients_are_computed(rng):
    layer, x = conv_and_input(rng)
    x.stop_gradient = layer.bias.stop_gradient = True
    layer(x).sum().backward()
    assert x.grad is None
    assert layer.bias.grad is None
    assert layer.weight.grad is not None
    layer.weight.stop_gradient = True
    assert layer(x).stop_gradient


def test_two_runs_give_the_same_bits(rng):
    spec = catalog.backbone_spec("MobileFaceNet")
    block, images = ConvBNPReLU(spec, 16, 32, 3), values(rng, 8, 16, 20, 20)
    block.train()
    found = []
    for _ in range(2):
        x = paddle.to_tensor(images, stop_gradient=False)
        (block(x) ** 2).sum().backward()
        found.append([x.grad.numpy(), *[value.grad.numpy() for value in block.parameters() if value.grad is not None]])
        block.clear_gradients()
    assert all(np.array_equal(a, b) for a, b in zip(*found, strict=True))


def test_the_cache_is_bounded(monkeypatch):
    monkeypatch.setattr(cache, "_known", cache.OrderedDict())
    monkeypatch.setattr(cache, "CAPACITY", 3)
    made = []
    for key in (1, 2, 3, 1, 4, 1, 2):
        cache.cached(key, made.append, key)
    assert made == [1, 2, 3, 4, 2]
    assert len(cache._known) == 3


PROBE = """
import logging, os, sys
logging.basicConfig(level=logging.DEBUG, format="%(message)s")
from facezoo import backends
backends.load("paddle")
import paddle
from facezoo.backends.paddle.conv import Conv2D
from facezoo.backends.paddle.onednn import library
{before}
layer, x = Conv2D(2, 4, 3, bias_attr=False), paddle.ones([1, 2, 5, 5])
print(layer(x).grad_fn.name())
"""


def probe(before="", **environment):
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(before=before)], capture_output=True, text=True,
        env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout + "".join(line for line in done.stderr.splitlines(True) if "oneDNN is not used" in line)


def test_it_can_be_switched_off():
    assert probe(FACEZOO_PADDLE_ONEDNN="0") == "Conv2dGradNodeFinal\noneDNN is not used: FACEZOO_PADDLE_ONEDNN=0\n"


def test_another_version_is_refused():
    found = probe("library.TESTED = ((2, 7),)")
    assert found.startswith("Conv2dGradNodeFinal\noneDNN is not used: version (3, 6)")


def test_a_paddle_without_the_functions_needed_is_refused():
    found = probe("del paddle.is_autocast_enabled")
    assert found.startswith("Conv2dGradNodeFinal\noneDNN is not used: module 'paddle' has no attribute")


def test_a_wheel_without_the_library_is_refused(tmp_path):
    found = probe(f"paddle.__file__ = {str(tmp_path / 'paddle' / '__init__.py')!r}")
    assert found.startswith("Conv2dGradNodeFinal\noneDNN is not used: ")
    assert "cannot open shared object file" in found


def test_a_graph_captured_in_parts_gives_the_same(rng):
    layer, x = conv_and_input(rng)
    expected = layer(x).numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # paddle's own, on tensors without values
        found = paddle.jit.to_static(layer, full_graph=False)(x)
    assert np.array_equal(found.numpy(), expected)


def test_a_forked_process_of_a_process_that_used_it_computes_with_paddle():
    before = "Conv2D(2, 4, 3)(paddle.ones([1, 2, 5, 5]))\n"
    before += "if os.fork():\n    sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))"
    assert probe(before).startswith("Conv2dGradNode")
