"""The number of CPU threads: torch sets it, paddle says where it cannot."""

from __future__ import annotations

import os

import pytest

from facezoo import backends
from facezoo.zoo.create import create_backbone


@pytest.fixture
def unchanged_torch():
    import torch

    before = torch.get_num_threads()
    yield torch
    torch.set_num_threads(before)


def test_torch_uses_the_number(unchanged_torch):
    network = create_backbone("MobileFaceNet", backend="torch")
    backends.load("torch").build_inference(network, "cpu", threads=3)
    assert unchanged_torch.get_num_threads() == 3


def test_paddle_says_that_it_does_not(caplog, monkeypatch):
    native = backends.load("paddle")
    network = create_backbone("MobileFaceNet", backend="paddle")
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    native.build_inference(network, "cpu", threads=2)
    native.build_inference(network, "cpu")
    assert not caplog.records
    native.build_inference(network, "cpu", threads=5)
    assert "threads is 5, but paddle uses 2" in caplog.text
    assert "OMP_NUM_THREADS=5" in caplog.text
    assert os.environ["OMP_NUM_THREADS"] == "2"
