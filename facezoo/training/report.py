"""One self-contained HTML page of a run: figures, curves, a sample batch, the resolved configuration and hashes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from facezoo.errors import ConfigError
from facezoo.io.files import file_hash
from facezoo.io.html import shown_time, write_html
from facezoo.io.printable import printable
from facezoo.training.config import RunConfig
from facezoo.training.config_file import dump_config, stored_config
from facezoo.training.log import read_log
from facezoo.training.report_plots import Records, run_plots, stage_marks, watched_checks
from facezoo.training.sample_batch import sample_batch
from facezoo.training.sessions import Session, read_sessions, training_seconds
from facezoo.training.stages import FOLDER

SAMPLES = 24  # faces shown of the first batch


def write_report(run: str | Path, path: str | Path, *, samples: int = SAMPLES) -> Path:
    """Write the page of a run, finished or not. It is one file without references to others.

    Args:
        run: the run's folder.
        path: of the page, which appears complete or not at all.
        samples: faces of the run's first batch that are shown as training sees them; 0 opens no data.

    Returns:
        The page's path.

    Raises:
        ConfigError: the folder holds no run.
        BackendUnavailableError: jinja2 or matplotlib is not installed.
    """
    run, path = Path(run), Path(path)
    if not (run / "config.yaml").is_file():
        raise ConfigError(f"{str(run)!r} is not a run; expected the folder of `facezoo train --out`, with config.yaml")
    config, records = stored_config(run / "config.yaml"), read_log(run)
    steps = [record for record in records if "loss" in record]
    checks = [record for record in records if "accuracy" in record]
    parts = sorted(run.glob(f"{FOLDER}/*"), key=lambda folder: int(folder.name))
    sessions = [session for folder in (run, *parts) for session in read_sessions(folder)]
    plots = run_plots(steps, checks, _total(config), stage_marks(records), config.validation.watch)
    pictures, reason = sample_batch(config, samples) if samples else ([], "")
    write_html(
        path,
        Path(__file__).with_name("report.html.j2"),
        title=f"{config.backbone} + {config.head}",
        subtitle=f"{config.backend}, {config.precision}, seed {config.seed}; {printable(run.resolve().name)}",
        figures=_figures(config, run, records, sessions),
        plots=plots,
        pictures=pictures,
        no_pictures=printable(reason),
        augmentation=config.data.augmentation,
        validations=[_validation(record) for record in checks],
        sessions=[_session(session) for session in sessions],
        configuration=dump_config(config),
        files=[_file(item) for item in sorted(run.glob("*.safetensors"))],
    )
    return path


def _total(config: RunConfig) -> int | None:
    """Steps of the whole run, where the configuration states them."""
    stated = [stage.get("steps") for stage in config.stages] if config.stages else [config.steps]
    known = [int(steps) for steps in stated if steps]
    return sum(known) if len(known) == len(stated) else None


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _figures(config: RunConfig, run: Path, records: Records, sessions: list[Session]) -> list[tuple[str, str]]:
    steps = [record for record in records if "loss" in record]
    checks = [record for record in records if "accuracy" in record]
    figures = [("data", "synthetic faces" if config.data.path is None else printable(config.data.path))]
    if sessions:
        figures.append(("started", shown_time(sessions[0].time)))
    seconds = training_seconds(sessions, records)
    if seconds is not None:
        pauses = f" in {len(sessions)} sessions" if len(sessions) > 1 else ""
        figures.append(("duration", f"{duration(seconds)}{pauses}"))
    if steps:
        last, total = steps[-1], _total(config)
        figures += [
            ("steps", f"{last['step']:,} of {total:,}" if total else f"{last['step']:,}"),
            ("loss at the last step", f"{last['loss']:.4f}"),
            ("images per second", f"{last['images_per_second']:.1f}"),
        ]
    skipped = [record["skipped"] for record in records if "skipped" in record]
    if skipped:
        figures.append(("steps skipped, since float16 overflowed", f"{max(skipped):,}"))
    checks = watched_checks(checks, config.validation.watch)
    if checks:
        best = max(checks, key=lambda record: record["accuracy"])
        figures.append(("last validation", _percent(checks[-1]["accuracy"])))
        figures.append(("best validation", f"{_percent(best['accuracy'])} at step {best['step']:,}"))
    listed = run / "bad_images.txt"
    if listed.is_file():
        figures.append(("images that could not be read", str(len(listed.read_text(encoding="utf-8").splitlines()))))
    return figures


def duration(seconds: float) -> str:
    """Seconds as text for people.

    >>> duration(3725), duration(61.2), duration(4.26)
    ('1 h 02 min', '1 min 01 s', '4.3 s')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60:,} h {minutes % 60:02} min"


def _session(session: Session) -> list[tuple[str, str]]:
    versions = ", ".join(f"{name} {version}" for name, version in session.versions.items())
    return [
        ("begin", f"{shown_time(session.time)}, after step {session.step:,}"),
        ("backend", f"{session.backend}, {session.processes} process{'es' if session.processes > 1 else ''}"),
        *((name, printable(value)) for name, value in session.machine.items()),
        ("versions", versions),
    ]


def _validation(record: dict[str, Any]) -> dict[str, str]:
    return {
        "step": f"{record['step']:,}",
        "name": printable(record.get("validation", "")),
        "accuracy": _percent(record["accuracy"]),
        "error": _percent(record["standard_error"]),
    }


def _file(path: Path) -> tuple[str, str, str]:
    return path.name, f"{path.stat().st_size:,}", file_hash(path)
