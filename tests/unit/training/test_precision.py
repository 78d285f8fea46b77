"""``precision: auto`` takes bfloat16 where the device is fast with it; what will be slow is said."""

import logging

import pytest

from facezoo import backends
from facezoo.io import processor
from facezoo.training.config_file import load_config
from facezoo.training.run import run_training
from facezoo.training.setup import create_engine, with_precision

SMALL = {
    "backbone": "MobileFaceNet", "backbone_options": {"input_size": 32}, "embedding_size": 8, "batch_size": 4,
    "steps": 1,
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("processor : 0\nflags\t\t: fpu avx512f avx512_bf16\n", True),
        ("flags : fpu amx_bf16 amx_tile", True),
        ("Features\t: fp asimd bf16 i8mm", True),
        ("flags : fpu avx2 avx512f", False),
        ("model name : avx512_bf16\nflags : fpu", False),
        ("", False),
    ],
)
def test_flags_of_the_processor(text, expected, tmp_path, monkeypatch):
    monkeypatch.setattr(processor, "CPUINFO", tmp_path / "cpuinfo")
    assert not processor.has_bfloat16()  # no such file
    processor.CPUINFO.write_text(text)
    assert processor.has_bfloat16() is expected


def units(monkeypatch, present):
    monkeypatch.setattr(backends.module("torch", "precision"), "has_bfloat16", lambda: present)


@pytest.mark.parametrize("present", [True, False])
def test_auto_on_a_cpu(present, monkeypatch):
    units(monkeypatch, present)
    for backend, expected in (("torch", "bfloat16" if present else "float32"), ("paddle", "float32")):
        config = load_config(None, {"backend": backend, "precision": "auto", "device": "cpu"})
        assert with_precision(config) == (config.model_copy(update={"precision": expected}), "")


def test_an_explicit_choice_is_kept_or_explained(monkeypatch):
    units(monkeypatch, False)
    for name in ("float32", "float64"):
        for backend in ("torch", "paddle"):
            assert backends.module(backend, "precision").pick_precision(name, "cpu") == (name, "")
    torch, remark = backends.module("torch", "precision").pick_precision("bfloat16", "cpu")
    assert torch == "bfloat16"
    assert "several times slower" in remark
    paddle, remark = backends.module("paddle", "precision").pick_precision("bfloat16", "cpu")
    assert paddle == "float32"
    assert "float32 in this run" in remark
    units(monkeypatch, True)
    assert backends.module("torch", "precision").pick_precision("bfloat16", "cpu") == ("bfloat16", "")


def test_the_run_records_what_was_computed_and_says_it_once(backend, tmp_path, monkeypatch, caplog):
    units(monkeypatch, False)
    config = load_config(None, {**SMALL, "backend": backend, "precision": "bfloat16", "device": "cpu"})
    with caplog.at_level(logging.WARNING):
        run_training(config, tmp_path / "run")
    assert sum("precision is bfloat16" in record.getMessage() for record in caplog.records) == 1
    kept = "bfloat16" if backend == "torch" else "float32"
    assert f"precision: {kept}" in (tmp_path / "run" / "config.yaml").read_text()


def test_an_engine_never_gets_auto(backend):
    settings = create_engine(load_config(None, {**SMALL, "backend": backend, "precision": "auto"}), 4).settings
    assert settings.precision in ("float32", "bfloat16")
