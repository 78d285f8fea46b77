"""``facezoo datasets list``."""

from __future__ import annotations

from typing import Annotated

import typer

from facezoo.cli import options


def command(
    purpose: Annotated[
        str | None, typer.Option(metavar="PURPOSE", help="Only for this: training, verification, templates, ...")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """List the public data sets in the index."""
    from facezoo.cli.show import count, print_json, print_table
    from facezoo.datasets import load_index
    from facezoo.datasets.schema import PURPOSES
    from facezoo.errors import UnknownNameError

    if purpose is not None and purpose not in PURPOSES:
        raise UnknownNameError("purpose", purpose, PURPOSES)
    entries = [entry for entry in load_index().values() if purpose is None or purpose in entry.purpose]
    if as_json:
        print_json([entry.model_dump(mode="json") for entry in entries])
        return
    rows = [
        [entry.name, ", ".join(entry.purpose), count(entry.identities), count(entry.images), entry.obtained]
        for entry in entries
    ]
    print_table(["name", "for", "identities", "images", "obtained"], rows, right=(2, 3))
