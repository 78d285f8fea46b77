"""Settings of a run small enough for a test."""

from __future__ import annotations

TINY = {
    "backbone": "MobileFaceNet",
    "backbone_options": {"dropout": 0.2},
    "embedding_size": 32,
    "head": "CosFace",
    "data.identities": 4,
    "data.images_per_identity": 4,
    "batch_size": 4,
    "steps": 6,
    "lr": 0.01,
    "checkpoint_every": 2,
    "keep": 3,
    "seed": 3,
    "compiled": False,  # many engines in one process; runs in processes of their own turn it on
}
