"""One self-contained HTML page of a run: curves, figures, the resolved configuration and hashes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from facezoo.errors import ConfigError
from facezoo.io.files import file_hash
from facezoo.io.html import plot, write_html
from facezoo.training.config import RunConfig, dump_config, load_config
from facezoo.training.log import read_log

Records = list[dict[str, Any]]
SIZE = (5.2, 3.4)  # of the plots, in inches


def write_report(run: str | Path, path: str | Path) -> Path:
    """Write the page of a run, finished or not. It is one file without references to others.

    Args:
        run: the run's folder.
        path: of the page, which appears complete or not at all.

    Returns:
        The page's path.

    Raises:
        ConfigError: the folder holds no run.
        BackendUnavailableError: jinja2 or matplotlib is not installed.
    """
    run, path = Path(run), Path(path)
    if not (run / "config.yaml").is_file():
        raise ConfigError(f"{str(run)!r} is not a run; expected the folder of `facezoo train --out`, with config.yaml")
    config, records = load_config(run / "config.yaml"), read_log(run)
    steps = [record for record in records if "loss" in record]
    checks = [record for record in records if "accuracy" in record]
    write_html(
        path,
        Path(__file__).with_name("report.html.j2"),
        title=f"{config.backbone} + {config.head}",
        subtitle=f"{config.backend}, {config.precision}, seed {config.seed}; {run.resolve().name}",
        figures=_figures(config, run, records, steps, checks),
        plots=_plots(steps, checks),
        validations=[_validation(record) for record in checks],
        configuration=dump_config(config),
        files=[_file(item) for item in sorted(run.glob("*.safetensors"))],
    )
    return path


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _figures(config: RunConfig, run: Path, records: Records, steps: Records, checks: Records) -> list[tuple[str, str]]:
    figures = [("data", "synthetic faces" if config.data.path is None else str(config.data.path))]
    if steps:
        last = steps[-1]
        figures += [
            ("steps", f"{last['step']:,} of {config.steps:,}" if config.steps else f"{last['step']:,}"),
            ("loss at the last step", f"{last['loss']:.4f}"),
            ("images per second", f"{last['images_per_second']:.1f}"),
        ]
    skipped = [record["skipped"] for record in records if "skipped" in record]
    if skipped:
        figures.append(("steps skipped, since float16 overflowed", f"{max(skipped):,}"))
    if checks:
        best = max(checks, key=lambda record: record["accuracy"])
        figures.append(("last validation", _percent(checks[-1]["accuracy"])))
        figures.append(("best validation", f"{_percent(best['accuracy'])} at step {best['step']:,}"))
    listed = run / "bad_images.txt"
    if listed.is_file():
        figures.append(("images that could not be read", str(len(listed.read_text(encoding="utf-8").splitlines()))))
    return figures


def _validation(record: dict[str, Any]) -> dict[str, str]:
    return {
        "step": f"{record['step']:,}",
        "name": str(record.get("validation", "")),
        "accuracy": _percent(record["accuracy"]),
        "error": _percent(record["standard_error"]),
    }


def _file(path: Path) -> tuple[str, str, str]:
    return path.name, f"{path.stat().st_size:,}", file_hash(path)


def _plots(steps: Records, checks: Records) -> list[dict[str, str]]:
    named = (("loss", "loss"), ("learning_rate", "learning rate"), ("grad_norm", "gradient norm"))
    plots = [{"name": name, "address": _curve(steps, key, name)} for key, name in named]
    if checks:
        plots.append({"name": "validation", "address": plot(lambda axes: _draw_checks(axes, checks), SIZE)})
    return plots


def _curve(records: Records, key: str, name: str) -> str:
    def draw(axes: Any) -> None:
        axes.plot([record["step"] for record in records], [record[key] for record in records], linewidth=1.2)
        axes.set(xlabel="step", ylabel=name)

    return plot(draw, SIZE)


def _draw_checks(axes: Any, checks: Records) -> None:
    axes.errorbar(
        [record["step"] for record in checks],
        [100 * record["accuracy"] for record in checks],
        yerr=[100 * record["standard_error"] for record in checks],
        marker="o", markersize=4, linewidth=1.2, capsize=3,
    )  # fmt: skip
    axes.set(xlabel="step", ylabel="validation, %")
