"""Backbones and heads from outside the zoo: trained, killed and resumed, saved, and refused where they do not fit."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import facezoo
from facezoo.checkpoints.weights import read_arrays
from facezoo.cli.main import main
from facezoo.errors import CheckpointError, ConfigError

HERE = Path(__file__).parent
SMALL = {
    "data__identities": 4, "data__images_per_identity": 4, "batch_size": 4, "steps": 3, "checkpoint_every": 1,
    "preprocess": facezoo.Preprocess(size=(32, 32)), "validation": {"every": 0},
}  # fmt: skip


@pytest.fixture
def own(backend):
    return importlib.import_module(f"own_modules_{backend}")


def test_a_module_of_ones_own_trains_with_a_head_of_the_zoo(own, backend, tmp_path):
    module = own.Network()
    before = facezoo.get_state(module)
    finished = facezoo.train(module, "CosFace", out=tmp_path / "run", **SMALL)
    assert finished.backbone is module
    assert finished.result.step == 3
    after = facezoo.get_state(module)
    assert all(not np.array_equal(before[name], after[name]) for name in ("output.weight", "bn.running_mean"))
    with pytest.raises(CheckpointError, match=rf"own_modules_{backend}:Network.*module=\.\.\."):
        facezoo.load_weights(finished.weights, backend=backend)
    again = facezoo.load_weights(finished.weights, module=own.Network())
    for name, value in facezoo.get_state(again).items():
        np.testing.assert_array_equal(value, after[name])
    card = json.loads(finished.weights.with_suffix(".card.json").read_text("utf-8"))
    assert (card["backbone"], card["embedding_size"]) == (f"own_modules_{backend}:Network", 16)


def test_a_network_of_the_zoo_trains_with_a_head_of_ones_own(own, backend, tmp_path):
    small = {key: value for key, value in SMALL.items() if key != "preprocess"}
    options = {"backbone_options": {"input_size": 32}, "embedding_size": 16, **small}
    run = tmp_path / "run"
    facezoo.train("MobileFaceNet", own.Classifier, backend=backend, head_options={"scale": 8.0}, out=run, **options)
    state, _ = read_arrays(run / "checkpoints" / "step-3" / "head.safetensors")
    assert state["weight"].shape == (4, 16)
    assert state["seen"] == 3.0  # the check before the run left no trace
    built = own.Classifier(16, 4)
    facezoo.train(
        facezoo.create_backbone("MobileFaceNet", backend=backend, embedding_size=16, input_size=32), built,
        out=tmp_path / "other", **small,
    )  # fmt: skip
    assert facezoo.get_state(built)["seen"] == 3.0


def command(run, backend, *more):
    words = [sys.executable, "-m", "facezoo", "train", "--out", str(run), *more]
    return words, {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])}


def test_killed_and_resumed_from_the_command_line_ends_with_the_same_bits(backend, tmp_path):
    fresh = [
        "--backend", backend, "--backbone", f"own_modules_{backend}:Network", "--backbone-option", "width=4",
        "--head", f"own_modules_{backend}:Classifier", "--head-option", "scale=8.0", "--steps", "12",
        "--batch-size", "4", "--seed", "3", "--set", "checkpoint_every=1", "--set", "data.identities=4",
        "--set", "data.images_per_identity=4", "--set", "preprocess={size: [32, 32]}", "--set", "threads=1",
    ]  # fmt: skip
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    words, environment = command(whole, backend, *fresh)
    subprocess.run(words, env=environment, check=True, capture_output=True)
    words, environment = command(broken, backend, *fresh)
    process = subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 300
    while not (broken / "checkpoints" / "step-2").is_dir():
        assert process.poll() is None, "the run ended before it was killed"
        assert time.monotonic() < deadline, "no checkpoint was written"
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    words, environment = command(broken, backend, "--resume")
    done = subprocess.run(words, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    for name in ("backbone", "head", "optimizer"):
        ends = [read_arrays(run / "checkpoints" / "step-12" / f"{name}.safetensors")[0] for run in (whole, broken)]
        assert ends[0].keys() == ends[1].keys()
        for key, value in ends[0].items():
            np.testing.assert_array_equal(ends[1][key], value, err_msg=f"{name}: {key}")


@pytest.mark.parametrize(
    ("backbone", "head", "match"),
    [
        ("Flat", "CosFace", r"returned a tensor \(4, 4, 30, 30\); expected \(4, embedding size\)"),
        ("Pair", "CosFace", "returned tuple; expected a tensor"),
        ("Network", "Rows", r"returned a tensor \(4,\); expected a scalar loss"),
        ("Network", "Constant", "has no gradient with respect to the embeddings"),
        ("Network", "Broken", "raised RuntimeError: no luck today"),
    ],
)
def test_a_broken_contract_is_refused_before_training(backbone, head, match, own, backend, tmp_path):
    chosen = head if head == "CosFace" else getattr(own, head)
    with pytest.raises(ConfigError, match=match):
        facezoo.train(getattr(own, backbone)(), chosen, out=tmp_path / "run", **SMALL)
    assert not (tmp_path / "run").exists()


def test_wrong_names_and_modules_are_refused(own, backend, tmp_path, monkeypatch):
    other = importlib.import_module(f"own_modules_{'paddle' if backend == 'torch' else 'torch'}")
    for options, match in (
        ({"backbone": "nowhere.at_all:Net"}, "cannot be imported: No module named 'nowhere'"),
        ({"backbone": f"own_modules_{backend}:Nothing"}, "has no attribute 'Nothing'"),
        ({"backbone": ":Net"}, "expected package.module:Class"),
        ({"backbone": f"own_modules_{backend}:Network", "backbone_options": {"depth": 3}}, "cannot be built with"),
        ({"backbone": own.Network(), "head": other.Classifier}, "the run's backend is"),
        ({"backbone": own.Network(), "head": other.Classifier(16, 4)}, "expected one backend"),
        ({"backbone": own.Network}, "expected a name, or a module that is built"),
        ({"backbone": 3}, "expected a name, or a built module"),
        ({"backbone": "MobileFaceNet"}, "MobileFaceNet has its own"),
    ):
        given = {"backend": backend, "head": "CosFace", **options}
        if not isinstance(options["backbone"], str):
            given.pop("backend")
        with pytest.raises(ConfigError, match=match):
            facezoo.train(out=tmp_path / "run", **{**SMALL, **given})


def test_a_class_beside_the_data_is_found_and_checked_by_a_dry_run(own, backend, tmp_path, monkeypatch, capsys):
    (tmp_path / "mine.py").write_text((HERE / f"own_modules_{backend}.py").read_text("utf-8"), "utf-8")
    monkeypatch.chdir(tmp_path)
    words = ["train", "--backend", backend, "--backbone", "mine:Network", "--set", "preprocess={size: [32, 32]}"]
    assert main([*words, "--dry-run"]) == 0
    assert "backbone: mine:Network" in capsys.readouterr().out
    assert main([*words, "--head", "mine:Rows", "--dry-run"]) == 2
    assert "expected a scalar loss" in capsys.readouterr().err
    sys.modules.pop("mine")
