"""On a CPU a large batch is embedded in parts; the embeddings are those of small batches."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import facezoo
from facezoo import backends


@pytest.mark.parametrize("compiled", [True, False])
def test_a_large_batch_is_embedded_in_parts(backend, compiled):
    native = backends.module(backend, "infer")
    part = native.PART
    module = facezoo.create_backbone("MobileFaceNet", backend=backend, embedding_size=32, seed=0)
    seen = []
    hook = module.register_forward_hook if backend == "torch" else module.register_forward_post_hook
    hook(lambda layer, inputs, output: seen.append(inputs[0].shape[0]))
    embed = native.Inference(module, "cpu", compiled=compiled)
    crops = np.random.default_rng(0).integers(0, 256, (2 * part + 3, 112, 112, 3), np.uint8)
    found = embed(crops)
    assert found.shape == (len(crops), 32)
    assert max(seen) <= part
    singly = np.concatenate([embed(crops[place : place + 1]) for place in range(0, len(crops), 5)])
    np.testing.assert_allclose(found[::5], singly, atol=1e-4 * np.abs(found).max())


def test_a_program_of_torch_follows_its_module():
    """However a weight is changed, and with gradients, which the program does not copy."""
    module = facezoo.create_backbone("MobileFaceNet", backend="torch", embedding_size=16, input_size=32, seed=0)
    crops = np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3), np.uint8)
    module(torch.zeros(2, 3, 32, 32)).sum().backward()
    embed = backends.load("torch").build_inference(module, "cpu")
    before = embed(crops)
    assert embed._program is not None
    np.testing.assert_allclose(embed(crops[:1]), before[:1], atol=1e-5 * np.abs(before).max())
    weight = module.neck.linear.weight
    for change in (lambda: weight.data.mul_(2), lambda: setattr(weight, "data", weight.data / 4)):
        change()
        found = embed(crops)
        assert embed._program is not None
        plain = backends.module("torch", "infer").Inference(module, "cpu", compiled=False)(crops)
        np.testing.assert_allclose(found, plain, atol=1e-4 * np.abs(plain).max())
        assert np.abs(found - before).max() > 1e-3
    assert weight.grad is not None


def test_a_module_with_hooks_is_called():
    module = facezoo.create_backbone("MobileFaceNet", backend="torch", embedding_size=16, input_size=32, seed=0)
    seen = []
    module.register_forward_hook(lambda layer, inputs, output: seen.append(len(output)))
    embed = backends.load("torch").build_inference(module, "cpu")
    embed(np.zeros((20, 32, 32, 3), np.uint8))
    assert seen == [16, 4]
