"""``facezoo datasets``: the group; each of its verbs stands in a file of its own, ``datasets_<verb>.py``."""

from __future__ import annotations

import typer

from facezoo.cli import datasets_check, datasets_pack

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Get, convert and check data sets.")


@app.callback()
def _group() -> None:
    """Get, convert and check data sets."""


app.command("pack")(datasets_pack.command)
app.command("check")(datasets_check.command)
