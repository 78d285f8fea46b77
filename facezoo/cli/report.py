"""``facezoo report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer


def command(
    run: Annotated[Path, typer.Argument(help="Folder of a run, as `facezoo train --out` names it.")],
    out: Annotated[
        Optional[Path],  # noqa: UP045  typer reads this at run time
        typer.Option(help="The page; by default report.html in the run's folder."),
    ] = None,
) -> None:
    """Write one HTML page of a run: curves of loss, learning rate and validation, figures, configuration."""
    from facezoo.training.report import write_report

    print(write_report(run, out or run / "report.html"))
