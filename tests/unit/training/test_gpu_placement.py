"""Training steps on CUDA tensors without a GPU: torch's fake tensors have a device and no values.

They find what would mix devices. What they cannot run: kernels, the backward pass (torch's engine asks for a GPU; the
meta device does it in test_devices.py), autocast, DistributedDataParallel, NCCL.
"""

from __future__ import annotations

import ctypes
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
import pytest
import torch
import torch.distributed as dist
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.testing._internal.distributed.fake_pg import FakeStore

from facezoo.backends.torch import device
from facezoo.backends.torch import engine as engine_module
from facezoo.canonical.class_rows import divide_classes
from facezoo.training.config_file import load_config
from facezoo.training.setup import create_engine

CUDA, META = 1, 14  # numbers of the types of device in torch's table of guards
GUARDS = "_ZN3c104impl26device_guard_impl_registryE"  # c10::impl::device_guard_impl_registry
LIBRARY = Path(torch.__file__).parent / "lib" / "libc10.so"
CLASSES, IMAGES = 19, 4


def moved(module, place, **options):
    """``Module.to`` for fake tensors, which cannot be swapped in place."""
    for layer in module.modules():
        for store in (layer._parameters, layer._buffers):
            for name, value in store.items():
                if value is not None:
                    new = value.detach().to(place)
                    store[name] = nn.Parameter(new, value.requires_grad) if isinstance(value, nn.Parameter) else new
    return module


class Plain(nn.Module):
    """In place of DistributedDataParallel."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, *values):
        return self.network(*values)

    def no_sync(self):
        return nullcontext()


@pytest.fixture
def gpus(monkeypatch):
    """Eight CUDA devices of fake tensors."""
    table = (ctypes.c_void_p * (META + 1)).in_dll(ctypes.CDLL(str(LIBRARY)), GUARDS)
    before = table[CUDA]
    if before is None:  # torch for CPUs has no guard of CUDA devices
        table[CUDA] = table[META]
    cuda = SimpleNamespace(is_available=lambda: True, device_count=lambda: 8)
    monkeypatch.setattr(device, "torch", SimpleNamespace(cuda=cuda, device=torch.device))
    monkeypatch.setattr(nn.Module, "to", moved)
    monkeypatch.setattr(torch.Tensor, "__float__", lambda value: 1.0)  # no values can be read
    monkeypatch.setattr(torch.Tensor, "__int__", lambda value: 1)
    monkeypatch.setattr(torch.Tensor, "item", lambda value: 1.0)
    monkeypatch.setattr(torch.Tensor, "numpy", lambda value: np.zeros(tuple(value.shape), np.int64))
    monkeypatch.setattr(engine_module, "Inference", Mock())
    native = torch.optim.SGD  # the fused one has no form for fake tensors
    monkeypatch.setattr(torch.optim, "SGD", lambda *words, fused, **options: native(*words, fused=False, **options))
    yield
    table[CUDA] = before


def step(monkeypatch, **options):
    """An engine after two steps with a checkpoint of the optimiser between them; gradients are zeros."""
    settings = {"backend": "torch", "backbone": "MobileFaceNet", "embedding_size": 8, "head": "ArcFace", **options}
    losses = []

    def backward(loss):
        losses.append(loss.device)
        for _, _, value in engine._whole + engine._tables:
            value.grad = torch.zeros_like(value)
        for value in engine._sharded.active.values() if engine._sharded else ():
            value.grad = torch.zeros_like(value)

    monkeypatch.setattr(torch.Tensor, "backward", backward)
    with FakeTensorMode(allow_non_fake_inputs=True):
        engine = create_engine(load_config(None, settings), CLASSES)
        engine.set_learning_rate(0.1)
        images = np.zeros((IMAGES, 112, 112, 3), np.uint8)
        assert engine.train_step(images, np.arange(IMAGES), 0).applied
        engine.load_optimizer_state({name: value.copy() for name, value in engine.optimizer_state().items()})
        assert engine.train_step(images, np.arange(IMAGES), 1).applied
        kept = [value for slots in engine.optimizer.native.state.values() for value in slots.values()]
    tensors = [*engine.backbone.parameters(), *engine.backbone.buffers(), *engine.head.parameters()]
    on_host = settings.get("optimizer.name") == "lamb"  # its step counts
    kept = [value for value in kept if value is not None and (value.ndim or not on_host)]
    assert {value.device for value in [*tensors, *engine.head.buffers(), *kept]} == {engine.device} == set(losses)
    return engine


@pytest.mark.parametrize(
    "options",
    [
        {}, {"parallel.head": "sharded", "accumulation": 2, "optimizer.name": "adamw"},
        {"parallel.sample_rate": 0.5, "optimizer.name": "adamw"}, {"optimizer.name": "lamb", "head": "CurricularFace"},
        {"parallel.sample_rate": 0.5, "head": "AdaFace"},
    ],
)  # fmt: skip
def test_a_step_on_a_gpu_mixes_no_devices(options, gpus, monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert step(monkeypatch, **options).device == torch.device("cuda", 3)


@pytest.mark.parametrize("rank", range(8))
def test_each_of_eight_processes_has_its_gpu_and_its_classes(rank, gpus, monkeypatch):
    for name, value in {"WORLD_SIZE": 8, "RANK": rank, "LOCAL_RANK": rank}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setattr(engine_module, "replicate", lambda network, device, settings: Plain(network))
    dist.init_process_group("fake", rank=rank, world_size=8, store=FakeStore())
    try:
        engine = step(monkeypatch)
    finally:
        dist.destroy_process_group()
    assert engine.device == torch.device("cuda", rank)
    assert engine.rows == divide_classes(CLASSES, rank, 8)
    assert engine.head.weight.shape == (engine.rows.count, 8)
    covered = [divide_classes(CLASSES, other, 8) for other in range(8)]
    assert sorted(row for rows in covered for row in range(rows.first, rows.first + rows.count)) == list(range(CLASSES))
