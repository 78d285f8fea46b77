"""VisualDL: one record file in the folder ``visualdl``."""

from __future__ import annotations

from collections.abc import Mapping

from typing_extensions import override

from facezoo.training.trackers.tracker import TrackedRun, Tracker

FILE = "vdlrecords.run.log"  # VisualDL reads files whose name holds "vdlrecords"


class VisualDL(Tracker):
    """Scalars. VisualDL cannot drop steps, so a resumed run writes its file again from the log of the run."""

    def __init__(self, run: TrackedRun) -> None:
        from visualdl import LogWriter

        folder = run.folder / "visualdl"
        (folder / FILE).unlink(missing_ok=True)
        self.new = True
        self._writer = LogWriter(str(folder), file_name=FILE, display_name=run.name)

    @override
    def write(self, step: int, time: float, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step, walltime=round(1000 * time))  # milliseconds

    @override
    def close(self) -> None:
        self._writer.close()
