"""A training step on another device than the CPU: the meta device refuses operations that mix it with the CPU."""

from __future__ import annotations

from contextlib import nullcontext
from unittest.mock import Mock

import numpy as np
import pytest
import torch

from facezoo.backends.torch import engine as engine_module
from facezoo.interfaces.micro_batch import MicroBatch
from facezoo.training.config_file import load_config
from facezoo.training.setup import create_engine
from facezoo.zoo.catalog import HEADS

BATCH = MicroBatch(np.zeros((4, 112, 112, 3), np.uint8), np.arange(4), None)
META = torch.device("meta")


@pytest.mark.parametrize("sharded", ["dense", "sharded"])
@pytest.mark.parametrize("head", sorted(name for name, margin in HEADS.items() if margin().divisible))
def test_every_tensor_of_a_step_is_on_the_device(head, sharded, monkeypatch):
    monkeypatch.setattr(engine_module, "pick_device", lambda name: META)
    for name in ("Inference", "RunOptimizer"):  # the frameworks' own optimisers do not run on meta
        monkeypatch.setattr(engine_module, name, Mock())
    monkeypatch.setattr(torch, "autocast", lambda *arguments, **options: nullcontext())  # meta has none
    settings = {"backend": "torch", "backbone": "MobileFaceNet", "embedding_size": 8, "head": head}
    engine = create_engine(load_config(None, {**settings, "parallel.head": sharded}), 5)
    engine.backbone.train()
    engine.head.train()
    loss, _ = engine._loss(BATCH)
    assert loss.device == META
    loss.backward()
    tensors = [*engine.backbone.parameters(), *engine.head.parameters(), *engine.head.buffers()]
    assert {tensor.device for tensor in tensors} == {META}
    assert all(value.grad is not None and value.grad.device == META for _, _, value in engine._whole)


def test_a_tensor_left_on_the_cpu_is_found(monkeypatch):
    monkeypatch.setattr(engine_module, "pick_device", lambda name: META)
    for name in ("Inference", "RunOptimizer"):  # the frameworks' own optimisers do not run on meta
        monkeypatch.setattr(engine_module, name, Mock())
    monkeypatch.setattr(torch, "autocast", lambda *arguments, **options: nullcontext())  # meta has none
    settings = {"backend": "torch", "backbone": "MobileFaceNet", "embedding_size": 8, "head": "CosFace"}
    engine = create_engine(load_config(None, settings), 5)
    engine.head.weight = torch.nn.Parameter(torch.zeros(5, 8))
    with pytest.raises(RuntimeError, match="meta"):
        engine._loss(BATCH)[0].backward()
