"""``facezoo weights publish``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    folder: Annotated[Path, typer.Argument(help="The new folder to make.")],
    weights: Annotated[Path, typer.Option(help="The weight file, as facezoo wrote it.")],
    name: Annotated[str | None, typer.Option(help="Name in an index; default: the folder's.")] = None,
    url: Annotated[list[str] | None, typer.Option(help="Where the folder will be served; several are mirrors.")] = None,
    licence: Annotated[str, typer.Option(help="Licence of the weights.")] = "unknown",
    as_json: Annotated[bool, typer.Option("--json", help="Print the entry as JSON.")] = False,
) -> None:
    """Make a folder that anyone can serve: the file, its card, its index entry, hashes."""
    from facezoo.cli.show import print_json
    from facezoo.weights.publish import publish

    entry = publish(weights, folder, name=name or folder.name.lower(), urls=url or (), licence=licence)
    if as_json:
        print_json(entry.model_dump(mode="json"))
        return
    print(f"{folder}: {', '.join(sorted(path.name for path in folder.iterdir()))}")
    print(f"others use it with FACEZOO_WEIGHTS_INDEX set to a folder that holds {entry.name}.yaml")
