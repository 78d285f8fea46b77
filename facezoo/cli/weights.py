"""``facezoo weights``: the group; each verb is in a file of its own, ``weights_<verb>.py``."""

from __future__ import annotations

import typer

from facezoo.cli import (
    weights_convert,
    weights_download,
    weights_import,
    weights_info,
    weights_list,
    weights_prune,
    weights_publish,
    weights_verify,
)

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Get, check, convert and publish weights.")


@app.callback()
def _group() -> None:
    """Get, check, convert and publish weights."""


app.command("list")(weights_list.command)
app.command("info")(weights_info.command)
app.command("download")(weights_download.command)
app.command("verify")(weights_verify.command)
app.command("import")(weights_import.command)
app.command("publish")(weights_publish.command)
app.command("prune")(weights_prune.command)
app.command("convert")(weights_convert.command)
