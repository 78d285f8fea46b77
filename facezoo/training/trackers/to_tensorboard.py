"""TensorBoard: event files in the folder ``tensorboard``."""

from __future__ import annotations

from collections.abc import Mapping

from typing_extensions import override

from facezoo.training.trackers.tracker import TrackedRun, Tracker


class TensorBoard(Tracker):
    """Scalars. A resumed run adds a file; TensorBoard then drops the later steps of the files before."""

    def __init__(self, run: TrackedRun) -> None:
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        folder = run.folder / "tensorboard"
        self.new = not any(folder.glob("events.*"))
        self._writer = EventFileWriter(str(folder))
        if not self.new:
            start = SessionLog(status=SessionLog.SessionStatus.START)
            self._writer.add_event(Event(step=run.last_step + 1, session_log=start))

    @override
    def write(self, step: int, time: float, values: Mapping[str, float]) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        scalars = [Summary.Value(tag=name, simple_value=value) for name, value in values.items()]
        self._writer.add_event(Event(wall_time=time, step=step, summary=Summary(value=scalars)))

    @override
    def close(self) -> None:
        self._writer.close()
