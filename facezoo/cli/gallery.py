"""``facezoo gallery``: the group; each verb is in a file of its own, ``gallery_<verb>.py``."""

from __future__ import annotations

import typer

from facezoo.cli import gallery_add, gallery_create, gallery_index, gallery_info, gallery_remove

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Keep persons on disk for `facezoo identify`.")


@app.callback()
def _group() -> None:
    """Keep persons on disk for `facezoo identify`."""


app.command("create")(gallery_create.command)
app.command("add")(gallery_add.command)
app.command("remove")(gallery_remove.command)
app.command("info")(gallery_info.command)
app.command("index")(gallery_index.command)
