"""The trackers of a run: found by name, opened, and given up one by one when they fail."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from facezoo.errors import BackendUnavailableError
from facezoo.io.yaml_files import load_yaml
from facezoo.training.trackers.to_mlflow import MLflow
from facezoo.training.trackers.to_tensorboard import TensorBoard
from facezoo.training.trackers.to_visualdl import VisualDL
from facezoo.training.trackers.to_wandb import WeightsAndBiases
from facezoo.training.trackers.tracker import TrackedRun, Tracker, numbers

logger = logging.getLogger(__name__)

CLASSES: dict[str, type[Tracker]] = {  # by the name of the package, which is also that of the extra
    "tensorboard": TensorBoard,
    "wandb": WeightsAndBiases,
    "mlflow": MLflow,
    "visualdl": VisualDL,
}


def wanted_trackers(names: Sequence[str] | None) -> list[str]:
    """The trackers of a configuration; None stands for TensorBoard where it is installed.

    Raises:
        BackendUnavailableError: the package of a tracker that is named is not installed.
    """
    if names is None:
        return ["tensorboard"] if _installed("tensorboard") else []
    for name in names:
        if not _installed(name):
            raise BackendUnavailableError(
                f"trackers names {name}, whose package is not installed: pip install 'facezoo[{name}]', or leave it out"
            )
    return list(dict.fromkeys(names))


class Trackers:
    """Writes the records of a log to several trackers. One that fails is left out with a warning; the run goes on.

    Args:
        names: of :data:`CLASSES`.
        folder: the run's.
        history: the records that the log holds already.
    """

    def __init__(self, names: Sequence[str], folder: Path, history: Sequence[Mapping[str, Any]]) -> None:
        self._open: dict[str, Tracker] = {}
        if not names:
            return
        last = max((int(record["step"]) for record in history), default=0)
        run = TrackedRun(folder, folder.resolve().name, last, _settings(folder))
        for name in names:
            self._try(name, lambda name=name: self._begin(name, run, history))  # type: ignore[misc]

    def write(self, record: Mapping[str, Any]) -> None:
        """Add one record of the log."""
        for name, tracker in list(self._open.items()):
            self._try(name, lambda tracker=tracker: _write(tracker, record))  # type: ignore[misc]

    def close(self) -> None:
        """End the session of each."""
        for name, tracker in list(self._open.items()):
            self._try(name, tracker.close)

    def _begin(self, name: str, run: TrackedRun, history: Sequence[Mapping[str, Any]]) -> None:
        tracker = CLASSES[name](run)
        for record in history if tracker.new else ():
            _write(tracker, record)
        self._open[name] = tracker

    def _try(self, name: str, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:  # whatever another program raises: the run is worth more than its picture
            self._open.pop(name, None)
            text = " ".join(str(error).split())[:300]
            logger.warning("%s is no longer written: %s: %s", name, type(error).__name__, text)


def _write(tracker: Tracker, record: Mapping[str, Any]) -> None:
    tracker.write(int(record["step"]), float(record["time"]), numbers(record))


def _installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def _settings(folder: Path) -> dict[str, str]:
    """The configuration that the run wrote, as dotted keys."""
    path = folder / "config.yaml"
    values = load_yaml(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return dict(_flat(values)) if isinstance(values, dict) else {}


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + str(key), str(value)
