"""Script of each process of the distributed test: three steps of each scenario on its share of the batches."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from facezoo.canonical.state import get_state, set_state
from facezoo.data.sources.synthetic import SyntheticFaces
from facezoo.errors import CheckpointError
from facezoo.interfaces.loss_scale import START, LossScale
from facezoo.training import checkpoint
from facezoo.training.checkpoint import Progress, save_checkpoint
from facezoo.training.config_file import load_config
from facezoo.training.model import Model
from facezoo.training.setup import create_engine

STEPS, BATCH, CLASSES = 3, 8, 7
SCENARIOS = {
    "dense": {"parallel.head": "dense"},
    "sharded": {"accumulation": 2, "head_options": {"extra": {"ClassBalanced": {"beta": 0.9}}}},
    "sampled": {"parallel.sample_rate": 0.999, "optimizer.name": "adamw", "head": "AdaMSoftmax"},  # of 7 classes all
}


def build(backend, scenario):
    settings = {
        "backend": backend, "backbone": "MobileFaceNet", "backbone_options": {"dropout": 0.0}, "embedding_size": 32,
        "head": "ArcFace", "compiled": False, "seed": 1, "precision": "float64", "clip_norm": 100.0,
        "parallel.sync_batch_norm": True, **SCENARIOS[scenario],
    }  # fmt: skip
    engine = create_engine(load_config(None, settings), CLASSES)
    engine.set_learning_rate(0.01)
    return engine


def steps(engine, rank=0, world_size=1):
    faces = SyntheticFaces(CLASSES, 4, seed=5)
    images = np.stack([faces.image(index) for index in range(STEPS * BATCH)])
    order = np.random.default_rng(0).permutation(STEPS * BATCH).reshape(STEPS, 2, 2, BATCH // 4)
    results = []
    for step, whole in enumerate(order):
        # (micro-batch, process, image): a process takes its half of each micro-batch
        mine = whole[:, rank].ravel() if world_size > 1 else whole.ravel()
        results.append(engine.train_step(images[mine], faces.labels[mine], step))
    assert all(result.applied for result in results)
    return {
        "losses": np.array([result.loss for result in results]),
        "norms": np.array([result.grad_norm for result in results]),
        **{f"backbone.{name}": value for name, value in get_state(engine.backbone).items()},
        **{f"head.{name}": value for name, value in get_state(engine.head).items()},
        **{f"optimizer.{name}": value for name, value in engine.optimizer_state().items()},
    }


def check_nan(engine):
    """A weight of one process is NaN: no process changes anything."""
    state = get_state(engine.head)
    broken = {**state, "weight": np.full_like(state["weight"], np.nan)} if engine.rank == 1 else state
    set_state(engine.head, broken)
    before = {**get_state(engine.backbone), **engine.optimizer_state()}
    faces = SyntheticFaces(CLASSES, 1, seed=5)
    result = engine.train_step(np.stack([faces.image(index) for index in range(4)]), faces.labels[:4], STEPS)
    assert not result.applied
    for name, value in {**get_state(engine.backbone), **engine.optimizer_state()}.items():
        np.testing.assert_array_equal(value, before[name], err_msg=name)
    engine.scale = LossScale(True)  # as in float16: all halve the scale
    result = engine.train_step(np.stack([faces.image(index) for index in range(4)]), faces.labels[:4], STEPS)
    assert result.skipped
    assert engine.scale.value == START / 2
    engine.scale = LossScale(False)
    set_state(engine.head, state)


def check_full_disk(engine, run):
    """A checkpoint that one process cannot write fails in all; the one before stays, and the next one works."""
    spec = engine.backbone.spec
    model = Model(engine.backbone, spec.name, spec.embedding_size, spec.preprocess, spec, 0)
    save_checkpoint(run, model, engine, Progress(step=1), keep=2)

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    write = checkpoint.write_rows
    checkpoint.write_rows = full if engine.rank == 1 else write
    expected = "No space left on device" if engine.rank == 1 else "another process could not write its part"
    try:
        with pytest.raises(CheckpointError, match=expected):
            save_checkpoint(run, model, engine, Progress(step=2), keep=2)
    finally:
        checkpoint.write_rows = write
    engine.barrier()
    assert [path.name for path in (run / "checkpoints").iterdir()] == ["step-1"]
    engine.barrier()
    save_checkpoint(run, model, engine, Progress(step=2), keep=2)
    assert checkpoint.latest_checkpoint(run).name == "step-2"


def main(backend, folder):
    for scenario in SCENARIOS:
        engine = build(backend, scenario)
        out = steps(engine, engine.rank, engine.world_size)
        np.savez(f"{folder}/{scenario}-rank{engine.rank}.npz", world_size=engine.world_size, **out)
        if scenario == "sharded":
            check_nan(engine)
            check_full_disk(engine, Path(folder) / "run")
    assert engine.any(engine.rank == 1)
    assert not engine.any(False)
    gathered = engine.gather(np.full((engine.rank + 1, 2), engine.rank))  # one row from rank 0, two from rank 1
    assert gathered.tolist() == [[0, 0], [1, 1], [1, 1]]
    engine.barrier()


if __name__ == "__main__":
    main(*sys.argv[1:])
