"""The memory of a run before it is started."""

from __future__ import annotations

import json

import pytest

from facezoo.cli.main import main
from facezoo.errors import ConfigError
from facezoo.training.config_file import load_config
from facezoo.training.plan import GIB, plan_memory, savings


def config(**changes):
    return load_config(None, {"backbone": "MobileFaceNet", "head": "CosFace", "batch_size": 64, **changes})


@pytest.mark.parametrize("processes, published", [(1, 12.44), (32, 1.3)])
def test_the_classification_layer_of_two_million_identities(processes, published):
    # Zhu et al., WebFace260M, CVPR 2021: 512 values, 64 images in each process, SGD
    plan = plan_memory(config(), 2_000_000, processes)
    layer = plan.head_weights + plan.head_gradient + plan.head_optimizer + plan.logits
    weights, logits = 512 * 2_000_000 // processes * 4, 64 * processes * 2_000_000 // processes * 4
    assert layer == 3 * weights + 2 * logits
    assert layer / GIB == pytest.approx(published, rel=0.01)


def test_what_makes_a_run_smaller_is_named_with_its_size(backend):
    settings = config(backend=backend)
    plan = plan_memory(settings, 100_000, 2)
    found = dict(savings(settings, 100_000, 2, plan))
    assert min(found.values()) < plan.total
    assert {"4 processes", "--set accumulation=2 (micro-batches)"} <= set(found)
    sampled = plan_memory(config(backend=backend, **{"parallel.sample_rate": 0.1}), 100_000, 2)
    assert found["--set parallel.sample_rate=0.1 (Partial FC)"] == sampled.total
    assert sampled.computed == 5_000
    recomputed = plan_memory(config(backend=backend, backbone_options={"checkpointing": True}), 100_000, 2)
    assert recomputed.activations < plan.activations / 2


def test_fewer_classes_than_processes_are_divided_only_on_demand():
    assert config().class_rows(3, 0, 4) is None
    assert config().class_rows(4, 3, 4).first == 3
    with pytest.raises(ConfigError, match="3 classes cannot be divided over 4 processes"):
        config(**{"parallel.head": "sharded"}).class_rows(3, 0, 4)


def test_heads_without_class_weights_take_none():
    plan = plan_memory(config(head="Triplet"), 100_000)
    assert plan.classification == 0
    assert plan.activations > 0


def test_the_command_prints_the_plan(capsys):
    words = ["train", "--plan", "--backbone", "MobileFaceNet", "--classes", "1000", "--world-size", "3"]
    assert main(words) == 0
    assert "334 of 1,000 classes" in capsys.readouterr().out
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 334
    assert main(["train", "--classes", "10"]) == 2
    assert "go with --plan" in capsys.readouterr().err
