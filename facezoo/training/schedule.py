"""The learning rate of each step."""

from __future__ import annotations

import math

from facezoo.training.config_groups import Schedule


def learning_rate(schedule: Schedule, base: float, step: int, steps: int) -> float:
    """Rate of step ``step`` of ``steps``, counted from 0.

    Warm-up rises linearly to ``base`` at its last step; then the schedule runs over the steps that remain:
    "constant"; "step" multiplies by gamma at each milestone (shares of all steps); "polynomial" is
    (1 - done)^power; "cosine" is (1 + cos(π done)) / 2; the last two end at ``floor``.

    >>> learning_rate(Schedule(name="cosine", warmup=0.0), 0.1, 5, 10)
    0.05
    """
    warmup = round(schedule.warmup * steps)
    if step < warmup:
        return base * (step + 1) / warmup
    if schedule.name == "constant":
        return base
    if schedule.name == "step":
        return base * schedule.gamma ** sum(step >= share * steps for share in schedule.milestones)
    done = (step - warmup) / max(1, steps - warmup)
    share = (1 - done) ** schedule.power if schedule.name == "polynomial" else (1 + math.cos(math.pi * done)) / 2
    return base * (schedule.floor + (1 - schedule.floor) * share)
