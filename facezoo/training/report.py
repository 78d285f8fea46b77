"""One self-contained HTML page of a run: curves, figures, the resolved configuration and hashes."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from facezoo.errors import BackendUnavailableError, ConfigError
from facezoo.io.files import atomic_write
from facezoo.training.config import RunConfig, dump_config, load_config
from facezoo.training.log import read_log

Records = list[dict[str, Any]]


def write_report(run: str | Path, path: str | Path) -> Path:
    """Write the page of a run, finished or not; it refers to nothing outside itself.

    Args:
        run: the run's folder.
        path: of the page; written aside and renamed.

    Returns:
        The page's path.

    Raises:
        ConfigError: the folder holds no run.
        BackendUnavailableError: jinja2 or matplotlib is not installed.
    """
    run, path = Path(run), Path(path)
    if not (run / "config.yaml").is_file():
        raise ConfigError(f"{str(run)!r} is no run; expected the folder of `facezoo train --out`, with config.yaml")
    config, records = load_config(run / "config.yaml"), read_log(run)
    steps = [record for record in records if "loss" in record]
    checks = [record for record in records if "accuracy" in record]
    page = _template().render(
        title=f"{config.backbone} + {config.head}",
        subtitle=f"{config.backend}, {config.precision}, seed {config.seed}; {run.resolve().name}",
        figures=_figures(config, run, steps, checks),
        plots=_plots(steps, checks),
        validations=[_validation(record) for record in checks],
        configuration=dump_config(config),
        files=[_file(item) for item in sorted(run.glob("*.safetensors"))],
    )
    with atomic_write(path) as part:
        part.write_text(page, encoding="utf-8")
    return path


def _template() -> Any:
    try:
        import jinja2
    except ImportError as error:
        raise _missing("jinja2") from error
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    return jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True).get_template("report.html.j2")


def _missing(library: str) -> BackendUnavailableError:
    return BackendUnavailableError(f"the report needs {library}, which is not installed: pip install 'facezoo[report]'")


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _figures(config: RunConfig, run: Path, steps: Records, checks: Records) -> list[tuple[str, str]]:
    figures = [("data", "drawn faces" if config.data.path is None else str(config.data.path))]
    if steps:
        last = steps[-1]
        figures += [
            ("steps", f"{last['step']:,} of {config.steps:,}" if config.steps else f"{last['step']:,}"),
            ("loss at the last step", f"{last['loss']:.4f}"),
            ("images a second", f"{last['images_per_second']:.1f}"),
        ]
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
    return path.name, f"{path.stat().st_size:,}", hashlib.sha256(path.read_bytes()).hexdigest()


def _plots(steps: Records, checks: Records) -> list[dict[str, str]]:
    named = (("loss", "loss"), ("learning_rate", "learning rate"), ("grad_norm", "gradient norm"))
    plots = [{"name": name, "address": _curve(steps, key, name)} for key, name in named]
    if checks:
        plots.append({"name": "validation", "address": _picture(lambda axes: _draw_checks(axes, checks))})
    return plots


def _curve(records: Records, key: str, name: str) -> str:
    def draw(axes: Any) -> None:
        axes.plot([record["step"] for record in records], [record[key] for record in records], linewidth=1.2)
        axes.set_ylabel(name)

    return _picture(draw)


def _draw_checks(axes: Any, checks: Records) -> None:
    axes.errorbar(
        [record["step"] for record in checks],
        [100 * record["accuracy"] for record in checks],
        yerr=[100 * record["standard_error"] for record in checks],
        marker="o", markersize=4, linewidth=1.2, capsize=3,
    )  # fmt: skip
    axes.set_ylabel("validation, %")


def _picture(draw: Callable[[Any], None]) -> str:
    """An SVG as a data address; no display and no global state is touched."""
    try:
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure
    except ImportError as error:
        raise _missing("matplotlib") from error
    figure = Figure(figsize=(5.2, 3.4), layout="constrained")
    FigureCanvasSVG(figure)
    axes = figure.add_subplot()
    draw(axes)
    axes.set_xlabel("step")
    axes.grid(True, color="#dddddd", linewidth=0.6)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode()
