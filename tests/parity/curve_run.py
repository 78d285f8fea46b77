"""Script of each process of the test of long curves: 50 steps on its share of each batch, in float64."""

from __future__ import annotations

import sys

import numpy as np

from facezoo.canonical.state import get_state
from facezoo.data.sources.synthetic import SyntheticFaces
from facezoo.training.config_file import load_config
from facezoo.training.setup import create_engine

STEPS, BATCH, CLASSES, SIZE = 50, 64, 32, 32


def train(backend):
    """Losses, and the backbone's state, after training on ``BATCH`` images a step, divided over the processes."""
    settings = {
        "backend": backend, "backbone": "MobileFaceNet", "backbone_options": {"dropout": 0.0, "input_size": SIZE},
        "embedding_size": 64, "head": "CosFace", "compiled": False, "seed": 1, "precision": "float64",
        "parallel.sync_batch_norm": True,
    }  # fmt: skip
    engine = create_engine(load_config(None, settings), CLASSES)
    engine.set_learning_rate(0.02)
    faces = SyntheticFaces(CLASSES, 10, seed=5, size=SIZE)
    images = np.stack([faces.image(index) for index in range(len(faces))])
    random = np.random.default_rng(0)
    losses = []
    for step in range(STEPS):
        mine = random.permutation(len(faces))[:BATCH].reshape(engine.world_size, -1)[engine.rank]
        losses.append(engine.train_step(images[mine], faces.labels[mine], step).loss)
    return engine, {"losses": np.array(losses), **get_state(engine.backbone)}


if __name__ == "__main__":
    engine, found = train(sys.argv[1])
    np.savez(f"{sys.argv[2]}/rank{engine.rank}.npz", **found)
    engine.barrier()
