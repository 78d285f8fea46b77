"""Aligning a folder of photos in several processes or on Ray; an interrupted run can be repeated and continues."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from facezoo.align.settings import AlignSettings
from facezoo.align.sources import Item, find_items, stamp
from facezoo.align.table import JOURNAL, LATER, NAME, Journal, Row, known_rows, photo_of, table_path, write_table
from facezoo.align.worker import Aligner, aligning, parts_left_in
from facezoo.bulk import Engine, run_shards
from facezoo.errors import ConfigError, DataError
from facezoo.interfaces.detector import Detector
from facezoo.io.files import atomic_write
from facezoo.io.progress import OnProgress, ignore_progress

SHARE = 32  # photos per task of a process
_RECORD = ".faces.json"


@dataclass(frozen=True)
class AlignSummary:
    """Counts of a call and of the output folder after it.

    Attributes:
        photos: number of photos and videos.
        done_before: number of those that earlier calls had done.
        crops: number of crops in the folder.
        no_face: number of photos, and frames of videos, in which no face was found or kept.
        unreadable: number of photos that could not be read.
        seconds: duration of this call.
        rate: photos per second of this call.
        table: path of the table.
    """

    photos: int
    done_before: int
    crops: int
    no_face: int
    unreadable: int
    seconds: float
    rate: float
    table: str

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        return asdict(self)


def align_folder(
    photos: str | Path,
    out: str | Path,
    settings: AlignSettings | None = None,
    *,
    workers: int | None = 1,
    engine: str | Engine = "local",
    table: str = "auto",
    max_unreadable: float = 0.1,
    retry: bool = False,
    detector: Detector | None = None,
    on_progress: OnProgress = ignore_progress,
) -> AlignSummary:
    """Align every photo and video below a folder.

    A second call processes only the missing photos, also if the first call was killed, and those whose file has
    changed.

    Args:
        photos: a folder, with or without identity folders, or one file.
        out: folder of the crops, with the subfolders of the photos, and of a table ``faces.parquet`` or ``faces.csv``.
        settings: how each photo is aligned.
        workers: number of processes, 1 or more; None: one per core. With 1, this process does all. The result does
            not depend on it. A script with more than 1 must call this under ``if __name__ == "__main__":``.
        engine: "local", "ray" or an :class:`facezoo.bulk.Engine`. With Ray on several machines, all of them read
            ``photos`` and write ``out`` at the same paths.
        table: "auto", "csv" or "parquet".
        max_unreadable: share of unreadable photos above which the call fails, after all others are done.
        retry: try the photos again that had no face or were unreadable.
        detector: used instead of the one in the settings; needs ``workers=1`` of the local engine.
        on_progress: called with the number of photos done, and their total.

    Raises:
        DataError: there is no photo or video, too many photos are unreadable, or another process is writing to
            ``out``.
        ConfigError: ``out`` holds crops with other settings.
    """
    settings, out, began = settings or AlignSettings(), Path(out), time.perf_counter()
    engine = Engine.of(engine, workers)
    if detector is not None and engine != Engine(workers=1):
        raise ConfigError(f"got detector= and {engine}; expected workers=1 of the local engine with it")
    items, path = find_items(photos, out), table_path(out, table)
    with _alone(out):
        _same_settings(out, settings, detector)
        rows = _still_good(known_rows(out), out, retry, items)
        done = {photo_of(row) for row in rows}
        missing = [item for item in items if item.key not in done]
        count = len(items) - len(missing)
        on_progress(count, len(items))
        journal = Journal(out)
        try:
            for share in _results(items, done, settings, out, engine, detector):
                journal.add(share)
                rows += share
                count += len({photo_of(row) for row in share})
                on_progress(count, len(items))
        except BaseException:
            journal.close()
            raise
        write_table(rows, path)
        journal.close(remove=True)
        other = path.with_suffix(".csv" if path.suffix == ".parquet" else ".parquet")
        other.unlink(missing_ok=True)  # its rows are in the new table
    return _summary(items, missing, rows, path, time.perf_counter() - began, max_unreadable)


def _results(
    items: Sequence[Item], done: set[str], settings: AlignSettings, out: Path, engine: Engine, detector: Detector | None
) -> Iterator[list[Row]]:
    # cut before the photos that are done are left out: a photo is always detected together with the same others
    shares = [items[low : low + SHARE] for low in range(0, len(items), SHARE)]
    missing = [left for share in shares if (left := [item for item in share if item.key not in done])]
    if detector is not None:
        yield from map(Aligner(settings, out, detector).align, missing)
        return
    try:
        results = run_shards(partial(aligning, settings, out), missing, engine=engine, device=settings.device)
        yield from (rows for _, rows in results)
    finally:
        if engine.name == "ray":  # a worker that was killed left the crop that it was writing
            for part in parts_left_in(out, items):
                part.unlink(missing_ok=True)


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    try:
        out.mkdir(parents=True, exist_ok=True)
        with FileLock(out / ".faces.lock", timeout=0):
            yield
    except Timeout as error:
        raise DataError(f"{out}: another process is aligning into this folder") from error
    except (FileExistsError, NotADirectoryError) as error:
        raise DataError(f"{out}: the output must be a folder, not a file") from error


def _same_settings(out: Path, settings: AlignSettings, detector: Detector | None) -> None:
    """Refuse to mix crops of different settings in one folder."""
    now = settings.record()
    if detector is not None:
        now["detector"] = type(detector).__name__
    path = out / _RECORD
    if path.is_file():
        try:
            before = json.loads(path.read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as error:
            raise DataError(f"{path}: not the settings of an alignment ({error}); use another output folder") from error
        if not isinstance(before, dict):
            raise DataError(f"{path}: holds a {type(before).__name__}; expected the settings of an alignment")
        for name, value in now.items():
            if before.get(name) != value:
                raise ConfigError(
                    f"{out}: holds crops with {name} {before.get(name)!r}, not {value!r}; use another folder"
                )
        return
    if any((out / name).is_file() for name in (f"{NAME}.csv", f"{NAME}.parquet", JOURNAL)):
        raise ConfigError(f"{out}: holds a table of faces but not its settings")
    with atomic_write(path) as part:
        part.write_text(json.dumps(now, indent=1), encoding="utf-8")


def _still_good(rows: Sequence[Row], out: Path, retry: bool, items: Sequence[Item]) -> list[Row]:
    """The rows of photos that did not change and whose crops all exist, without duplicates.

    The crops of a photo that was replaced are deleted.
    """
    unique = {(row["source"], row["face"]): row for row in rows}
    redo = _replaced(unique.values(), {item.key: stamp(item.path) for item in items})
    for row in unique.values():
        crop = (out / row["output"]).resolve()
        if photo_of(row) in redo and row["output"] and out.resolve() in crop.parents:
            crop.unlink(missing_ok=True)
    for row in unique.values():
        crop = out / row["output"]
        there = crop.is_file() and crop.stat().st_size > 0 if row["output"] else not retry
        if not there:
            redo.add(photo_of(row))
    return [row for row in unique.values() if photo_of(row) not in redo]


def _replaced(rows: Iterable[Row], now: Mapping[str, dict[str, int]]) -> set[str]:
    """The photos whose file has another size or time than when they were aligned. Older tables do not record them."""
    found = set()
    for row in rows:
        photo = photo_of(row)
        if "modified" in row and now.get(photo) and now[photo] != {name: row.get(name) for name in LATER}:
            found.add(photo)
    return found


def _summary(
    items: Sequence[Item],
    missing: Sequence[Item],
    rows: Sequence[Row],
    path: Path,
    seconds: float,
    max_unreadable: float,
) -> AlignSummary:
    unreadable = [row for row in rows if row["reason"].startswith("unreadable")]
    crops = sum(bool(row["output"]) for row in rows)
    if len(unreadable) > max_unreadable * len(items):
        raise DataError(
            f"{len(unreadable)} of {len(items)} photos are unreadable, above the allowed share of "
            f"{max_unreadable:g}; {path} lists them; the first: {unreadable[0]['reason']}"
        )
    return AlignSummary(
        photos=len(items),
        done_before=len(items) - len(missing),
        crops=crops,
        no_face=sum(not row["output"] for row in rows) - len(unreadable),
        unreadable=len(unreadable),
        seconds=round(seconds, 2),
        rate=round(len(missing) / seconds, 1),
        table=str(path),
    )
