"""``facezoo report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run, the --out of `facezoo train`.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The page. Default: report.html in the run's folder.")
    ] = None,
) -> None:
    """Write one HTML page about a run: loss, learning rate, validation, results and configuration."""
    from facezoo.cli.show import say
    from facezoo.training.report import write_report

    say(write_report(run, out or run / "report.html"))
