"""MLflow: a run in a file store in the folder ``mlflow``, or in the store of MLFLOW_TRACKING_URI."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from typing_extensions import override

from facezoo.training.trackers.tracker import TrackedRun, Tracker

EXPERIMENT = "facezoo"
LONGEST = 500  # characters of a parameter that every version of MLflow takes


class MLflow(Tracker):
    """Metrics and parameters. A resumed run goes on in the same MLflow run after the last step that it holds."""

    def __init__(self, run: TrackedRun) -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        address = os.environ.get("MLFLOW_TRACKING_URI")
        if not address:
            os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # newer versions refuse the store without it
            address = (run.folder / "mlflow").resolve().as_uri()
        from mlflow import MlflowClient
        from mlflow.entities import Metric, Param

        self._metric = Metric
        self._client = MlflowClient(tracking_uri=address)
        known = run.stored_id("mlflow")
        self.new = known is None
        self._last_step = -1
        if known is None:
            name = os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT)
            found = self._client.get_experiment_by_name(name)
            experiment = self._client.create_experiment(name) if found is None else found.experiment_id
            known = self._client.create_run(experiment, run_name=run.name).info.run_id
            run.store_id("mlflow", known)
            parameters = [Param(key, value[:LONGEST]) for key, value in run.settings.items()]
            for first in range(0, len(parameters), 100):  # what MLflow takes at once
                self._client.log_batch(known, params=parameters[first : first + 100])
        else:
            self._client.update_run(known, status="RUNNING")
            held = self._client.get_metric_history(known, "loss")
            self._last_step = max((metric.step for metric in held), default=-1)
        self._id = known

    @override
    def write(self, step: int, time: float, values: Mapping[str, float]) -> None:
        if step <= self._last_step:  # of a session that was killed; the resumed run repeats it to the bit
            return
        metrics = [
            self._metric(re.sub(r"[^\w./ -]", "_", name), value, round(1000 * time), step)
            for name, value in values.items()
        ]
        self._client.log_batch(self._id, metrics=metrics)

    @override
    def close(self) -> None:
        self._client.set_terminated(self._id)
