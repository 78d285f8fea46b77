"""Script of each process of the distributed test: three steps on its half of the batches, then the state is saved."""

from __future__ import annotations

import sys

import numpy as np

from facezoo.canonical.state import get_state
from facezoo.data.sources.synthetic import SyntheticFaces
from facezoo.training.config import load_config
from facezoo.training.setup import create_engine

STEPS, BATCH = 3, 8


def build(backend, accumulation=1):
    settings = {
        "backend": backend, "backbone": "MobileFaceNet", "backbone_options": {"dropout": 0.0}, "embedding_size": 32,
        "head": "ArcFace", "accumulation": accumulation, "compiled": False, "seed": 1,
    }  # fmt: skip
    engine = create_engine(load_config(None, settings), 6)
    engine.set_learning_rate(0.01)
    return engine


def steps(engine, rank=0, world_size=1):
    faces = SyntheticFaces(6, 4, seed=5)
    images = np.stack([faces.image(index) for index in range(len(faces))])
    order = np.random.default_rng(0).permutation(len(faces)).reshape(STEPS, BATCH)
    losses = []
    for step, whole in enumerate(order):
        mine = np.array_split(whole, world_size)[rank]
        losses.append(engine.train_step(images[mine], faces.labels[mine], step).loss)
    trained = {f"backbone.{name}": value for name, value in get_state(engine.backbone).items() if "running" not in name}
    return {"losses": np.array(losses), **trained, "head": get_state(engine.head)["weight"]}


if __name__ == "__main__":
    backend, folder = sys.argv[1:]
    engine = build(backend)
    out = steps(engine, engine.rank, engine.world_size)
    assert engine.any(engine.rank == 1)
    assert not engine.any(False)
    np.savez(f"{folder}/rank{engine.rank}.npz", world_size=engine.world_size, **out)
    engine.barrier()
