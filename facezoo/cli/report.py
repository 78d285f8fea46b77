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
    samples: Annotated[
        int, typer.Option(metavar="N", min=0, help="Faces of the first batch to show; 0 does not open the data.")
    ] = 24,
) -> None:
    """Write one HTML page about a run: figures, curves, a sample batch, machine, versions and configuration."""
    from facezoo.cli.show import say
    from facezoo.training.report import write_report

    say(write_report(run, out or run / "report.html", samples=samples))
