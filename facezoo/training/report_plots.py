"""The curves of a run's page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from facezoo.io.html import Picture
from facezoo.io.plots import Axis, Mark, Series, plot_series

Records = list[dict[str, Any]]
CURVES = (("loss", "loss", True), ("learning_rate", "learning rate", False), ("grad_norm", "gradient norm", True))


def watched_checks(checks: Records, watch: str | None) -> Records:
    """The validations of the set that decides which weights are the best: the named one, or the first."""
    if not checks:
        return []
    name = checks[0].get("validation") if watch is None else watch
    return [record for record in checks if record.get("validation") == name] or checks


def run_plots(
    steps: Records, checks: Records, total: int | None, marks: Sequence[Mark] = (), watch: str | None = None
) -> list[Picture]:
    """Loss, learning rate, gradient norm, the distance from a teacher, and the accuracy of each validation set.

    Args:
        steps: records of training steps.
        checks: records of validations; each set, by its name ``validation``, is one curve.
        total: steps of the whole run, where known.
        marks: steps to be marked on each plot, as the begin of a stage.
        watch: the validation set whose best step is marked; None is the first.
    """
    last = max([total or 0, *(record["step"] for record in (*steps, *checks))])
    axis = Axis("step", limits=(0, 1.02 * last) if last else None)
    plots = [_curve(steps, key, name, smooth, axis, marks) for key, name, smooth in CURVES]
    taught = [record for record in steps if "teacher_distance" in record]
    if taught:
        plots.append(_curve(taught, "teacher_distance", "distance from the teacher", True, axis, marks))
    if not checks:
        return plots
    best = max(watched_checks(checks, watch), key=lambda record: record["accuracy"])
    accuracy = Axis("validation accuracy, %", least=20, bounds=(0, 100))
    shown = [*marks, Mark(best["step"], "best")] if len({record["step"] for record in checks}) > 1 else list(marks)
    return [*plots, plot_series(_by_set(checks), axis, accuracy, title="validation", marks=shown)]


def stage_marks(records: Records) -> list[Mark]:
    """Where each stage of a run begins: after the last step of the one before."""
    begun: dict[str, float] = {}
    before = 0
    for record in records:
        if record.get("stage"):
            begun.setdefault(record["stage"], before)
        before = record["step"]
    return [Mark(step, name) for name, step in begun.items()]


def _curve(records: Records, key: str, name: str, smooth: bool, axis: Axis, marks: Sequence[Mark]) -> Picture:
    steps, values = [record["step"] for record in records], [record[key] for record in records]
    return plot_series([Series(name, steps, values, smooth=smooth)], axis, Axis(name), title=name, marks=marks)


def _by_set(checks: Records) -> list[Series]:
    """A curve for each validation set, with a band of one standard error."""
    sets: dict[str, Records] = {}
    for record in checks:
        sets.setdefault(str(record.get("validation", "validation")), []).append(record)
    series = []
    for name, records in sets.items():
        value = 100 * np.array([record["accuracy"] for record in records])
        error = 100 * np.array([record["standard_error"] for record in records])
        series.append(Series(name, [record["step"] for record in records], value, value - error, value + error))
    return series
