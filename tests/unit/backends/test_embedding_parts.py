"""On a CPU a large batch is embedded in parts; the embeddings are those of small batches."""

from __future__ import annotations

import numpy as np
import pytest

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
    options = {"compiled": compiled} if backend == "paddle" else {}
    embed = native.Inference(module, "cpu", **options)
    crops = np.random.default_rng(0).integers(0, 256, (2 * part + 3, 112, 112, 3), np.uint8)
    found = embed(crops)
    assert found.shape == (len(crops), 32)
    assert max(seen) <= part
    singly = np.concatenate([embed(crops[place : place + 1]) for place in range(0, len(crops), 5)])
    np.testing.assert_allclose(found[::5], singly, atol=1e-4 * np.abs(found).max())
