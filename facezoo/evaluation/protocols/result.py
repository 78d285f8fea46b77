"""The results of an evaluation: figures with intervals, curves for plots, and hashes of the inputs."""

from __future__ import annotations

import json
import math
import operator
import platform
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import facezoo
from facezoo.errors import DataError
from facezoo.evaluation.scores.roc import Roc
from facezoo.io.files import atomic_write

FORMAT = 1
KEPT_PAIRS = 200_000  # scores are stored with a result up to this many pairs


@dataclass(frozen=True)
class Figure:
    """One number with its interval; NaN where it cannot be given."""

    name: str
    value: float
    low: float = float("nan")
    high: float = float("nan")
    percent: bool = True

    def text(self) -> str:
        """The cell of a table.

        >>> Figure("TAR", 0.9876, 0.98, 0.99).text()
        '98.76 % (98.00 to 99.00)'
        """
        if math.isnan(self.value):
            return "not given"
        factor, unit = (100, " %") if self.percent else (1, "")
        digits = 2 if self.percent else 4
        shown = f"{self.value * factor:.{digits}f}{unit}"
        if math.isnan(self.low):
            return shown
        return f"{shown} ({self.low * factor:.{digits}f} to {self.high * factor:.{digits}f})"


@dataclass(frozen=True)
class PairRecord:
    """Scores of listed pairs, to compare models and to show the worst pairs.

    Attributes:
        scores: (n,).
        same: bool (n,).
        folds: int (n,).
        first: names, or None.
        second: names, or None.
        correct: bool (n,).
        threshold: float (n,), the threshold of each pair's decision.
    """

    scores: np.ndarray
    same: np.ndarray
    folds: np.ndarray
    first: list[str] | None
    second: list[str] | None
    correct: np.ndarray
    threshold: np.ndarray

    def to_dict(self) -> dict[str, Any]:
        """Plain types for JSON."""
        return {
            "scores": self.scores.tolist(),
            "same": self.same.astype(int).tolist(),
            "folds": self.folds.tolist(),
            "first": self.first,
            "second": self.second,
            "correct": self.correct.astype(int).tolist(),
        }


@dataclass(frozen=True)
class TaskResult:
    """One task's result.

    Attributes:
        name: of the task.
        kind: of the task.
        figures: rows of the table; the first is the headline.
        detail: all values, as plain types.
        notes: which figures are not given, and why.
        roc: the exact ROC curve, where there is one.
        histogram: (left edges, genuine counts, impostor counts) of the scores, where there is one.
        cmc: share of probes found up to each rank, where there is one.
        pairs: scores of each pair, where pairs are listed.
        identities: accepted genuine pairs per identity, where all pairs are compared.
        lists: list file -> SHA-256.
    """

    name: str
    kind: str
    figures: list[Figure]
    detail: dict[str, Any]
    notes: tuple[str, ...] = ()
    roc: Roc | None = field(repr=False, default=None)
    histogram: tuple[np.ndarray, np.ndarray, np.ndarray] | None = field(repr=False, default=None)
    cmc: np.ndarray | None = field(repr=False, default=None)
    pairs: PairRecord | None = field(repr=False, default=None)
    identities: dict[str, Any] | None = field(repr=False, default=None)
    lists: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ProtocolResult:
    """The result of a protocol.

    Attributes:
        protocol: name of the protocol.
        title: title of the protocol.
        protocol_sha256: hash of the protocol.
        model: name of the evaluated model.
        inputs: hashes and settings of the inputs.
        tasks: results in the order of the protocol.
        ranking: the ranking figure, where the protocol has one.
        confidence: of the intervals.
    """

    protocol: str
    title: str
    protocol_sha256: str
    model: str
    inputs: dict[str, Any]
    tasks: list[TaskResult]
    ranking: float | None
    confidence: float

    def to_dict(self) -> dict[str, Any]:
        """Plain types for JSON; a figure that is not given is null."""
        out = {
            "format": FORMAT,
            "protocol": self.protocol,
            "title": self.title,
            "protocol_sha256": self.protocol_sha256,
            "model": self.model,
            "inputs": self.inputs,
            "confidence": self.confidence,
            "ranking": self.ranking,
            "versions": versions(),
            "tasks": [
                {
                    "name": task.name,
                    "kind": task.kind,
                    "figures": [vars(figure) for figure in task.figures],
                    "detail": task.detail,
                    "notes": list(task.notes),
                    "lists": task.lists,
                    **_kept(task),
                }
                for task in self.tasks
            ],
        }
        return plain(out)

    def save(self, path: str | Path) -> None:
        """Write as JSON, to a temporary file that is renamed at the end."""
        with atomic_write(path) as part:
            part.write_text(json.dumps(self.to_dict()), encoding="utf-8")


def _kept(task: TaskResult) -> dict[str, Any]:
    if task.identities is not None:
        return {"identities": task.identities}
    if task.pairs is None or len(task.pairs.scores) > KEPT_PAIRS:
        return {}
    return {"pairs": task.pairs.to_dict()}


def plain(value: Any) -> Any:
    """Plain types for JSON: NaN becomes null, infinity becomes the string "inf" or "-inf"."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value


def versions() -> dict[str, str]:
    """Versions of the packages that the figures depend on."""
    import scipy

    return {
        "facezoo": facezoo.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
    }


def load_result(path: str | Path) -> dict[str, Any]:
    """A stored result as plain types.

    Raises:
        DataError: the file is missing, or is not a stored result.
    """
    try:
        values = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"cannot read result {str(path)!r}: {error}") from error
    if not isinstance(values, dict) or values.get("format") != FORMAT or "tasks" not in values:
        raise DataError(f"{str(path)!r} is not a stored result of facezoo evaluate --out")
    problem = _problem(values)
    if problem:
        raise DataError(f"{str(path)!r} is a damaged result: {problem}")
    return values


def _problem(values: dict[str, Any]) -> str:
    """What a stored result lacks; "" if nothing."""
    if not all(isinstance(values.get(name), str) for name in ("protocol", "protocol_sha256", "model")):
        return "protocol, protocol_sha256 and model must be text"
    if not _is_number(values.get("ranking")):
        return "ranking must be a number"
    tasks = values["tasks"]
    if not isinstance(tasks, list) or not tasks or not all(isinstance(task, dict) for task in tasks):
        return "tasks must be a list of objects"
    for task in tasks:
        figures = task.get("figures")
        if not isinstance(task.get("name"), str) or not isinstance(task.get("detail"), dict):
            return "a task has no name or no detail"
        if not isinstance(figures, list) or not figures or not all(_is_figure(figure) for figure in figures):
            return f"task {task['name']!r} has no figures, or a figure is not a name with value, low and high"
        pairs = task.get("pairs")
        if pairs is not None and not (_are_pairs(pairs) and _are_rates(task["detail"].get("tar"))):
            return f"task {task['name']!r} has pairs of different lengths, or without fields or detail"
        if task.get("identities") is not None and not _are_identities(task["identities"]):
            return f"task {task['name']!r} has identities of different lengths, or without fields"
    return ""


def _is_number(value: Any) -> bool:
    """None, or a number in the range of float64; JSON holds integers of any size."""
    return value is None or isinstance(value, float) or (isinstance(value, int) and value.bit_length() < 1000)


def _are_rates(rates: Any) -> bool:
    """Whether the keys of a table are numbers, as FARs are."""
    try:
        return isinstance(rates, dict) and all(0 <= float(rate) <= 1 for rate in rates)
    except ValueError:
        return False


def _is_figure(figure: Any) -> bool:
    return (
        isinstance(figure, dict)
        and isinstance(figure.get("name"), str)
        and isinstance(figure.get("percent"), bool)
        and all(name in figure and _is_number(figure[name]) for name in ("value", "low", "high"))
        and (figure["low"] is None) == (figure["high"] is None)
    )


def _are_pairs(pairs: Any) -> bool:
    if not isinstance(pairs, dict):
        return False
    columns: list[Any] = [pairs.get(name) for name in ("scores", "same", "folds", "correct")]
    names: list[Any] = [pairs.get(name) for name in ("first", "second")]
    if names == [None, None]:
        names = []
    if not all(isinstance(column, list) and len(column) == len(columns[0]) for column in (*columns, *names)):
        return False
    return all(value is not None and _is_number(value) for column in columns for value in column)


def _are_identities(found: Any) -> bool:
    """Whether the numbers of accepted pairs of each identity have one length, and no number exceeds the pairs."""
    if not isinstance(found, dict) or not isinstance(found.get("labels_sha256"), str):
        return False
    pairs: Any = found.get("pairs")
    accepted: Any = found.get("accepted")
    if not _are_counts(pairs) or not sum(pairs) or not _are_rates(accepted):
        return False
    return all(
        counts is None or (_are_counts(counts) and len(counts) == len(pairs) and all(map(operator.le, counts, pairs)))
        for counts in accepted.values()
    )


def _are_counts(values: Any) -> bool:
    return isinstance(values, list) and all(type(value) is int and 0 <= value < 2**62 for value in values)
