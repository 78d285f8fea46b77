"""``facezoo weights publish``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facezoo.cli import options


def command(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The new folder.")],
    weights: options.Weights,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name in the index. Default: the folder's name.")
    ] = None,
    url: Annotated[
        list[str] | None, typer.Option(metavar="URL", help="Address of the folder on a server; repeat for mirrors.")
    ] = None,
    licence: Annotated[str, typer.Option(metavar="NAME", help="Licence of the weights.")] = "unknown",
    hub: Annotated[
        str | None,
        typer.Option(metavar="OWNER/NAME", help="Also upload it to this repository of the Hugging Face Hub."),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Make a folder that any web server can publish.

    It holds the weight file, its model card, its index entry and hashes.
    """
    from facezoo.cli.show import print_json, say
    from facezoo.weights.pretrained import model_path
    from facezoo.weights.publish import publish

    entry = publish(model_path(weights), folder, name=name or folder.name.lower(), urls=url or (), licence=licence)
    address = None
    if hub:
        from facezoo.weights.hub import push_to_hub

        address = push_to_hub(model_path(weights), hub, licence=licence)
    if as_json:
        print_json(entry.model_dump(mode="json"))
        return
    say(f"{folder}: {', '.join(sorted(path.name for path in folder.iterdir()))}")
    if address:
        say(f"uploaded: {address}")
    say(f"others use it with FACEZOO_WEIGHTS_INDEX set to a folder that holds {entry.name}.yaml")
