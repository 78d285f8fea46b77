"""Weights & Biases: offline records in the folder ``wandb``, or what WANDB_MODE says."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping

from typing_extensions import override

from facezoo.training.trackers.tracker import TrackedRun, Tracker


class WeightsAndBiases(Tracker):
    """Metrics and configuration.

    Offline, each session is a record of its own with the same identifier, so that ``wandb sync`` makes them one run.
    """

    def __init__(self, run: TrackedRun) -> None:
        mode = os.environ.get("WANDB_MODE", "offline")
        if mode == "offline":
            os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        import wandb

        known = run.stored_id("wandb")
        self.new = known is None
        if known is None:
            known = secrets.token_hex(4)
            run.store_id("wandb", known)
        settings = wandb.Settings(console="off", silent=True, disable_git=True, save_code=False)
        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", "facezoo"), name=run.name, id=known, dir=str(run.folder),
            mode=mode, resume="allow", config=dict(run.settings), allow_val_change=True, settings=settings,
        )  # fmt: skip

    @override
    def write(self, step: int, time: float, values: Mapping[str, float]) -> None:
        self._run.log(dict(values), step=step)

    @override
    def close(self) -> None:
        self._run.finish()
