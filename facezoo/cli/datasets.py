"""``facezoo datasets``: the group; each verb is in a file of its own, ``datasets_<verb>.py``."""

from __future__ import annotations

import typer

from facezoo.cli import (
    datasets_check,
    datasets_download,
    datasets_import,
    datasets_info,
    datasets_list,
    datasets_mask,
    datasets_pack,
)

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Get, convert and check data sets.")


@app.callback()
def _group() -> None:
    """Get, convert and check data sets."""


app.command("list")(datasets_list.command)
app.command("info")(datasets_info.command)
app.command("download")(datasets_download.command)
app.command("import")(datasets_import.command)
app.command("pack")(datasets_pack.command)
app.command("check")(datasets_check.command)
app.command("mask")(datasets_mask.command)
