"""``facezoo datasets pack``: a data set in another layout."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    data: Annotated[Path, typer.Argument(metavar="IN", help="Identity folders, a list, a .rec or tar shards.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="What to make; must not exist.")],
    format: Annotated[str, typer.Option(help="folder, rec, shards or bin (verification pairs).")],
    min_images: Annotated[int, typer.Option(help="Leave out identities with fewer images.")] = 1,
    per_shard: Annotated[int, typer.Option(help="Images in a tar shard.")] = 4096,
    pairs: Annotated[int, typer.Option(help="Pairs in a .bin, at most.")] = 6000,
    identity_headers: Annotated[bool, typer.Option(help="Header records in a .rec, as InsightFace's have.")] = True,
    seed: Annotated[int, typer.Option(help="Of the shards' order and of the pairs.")] = 0,
    max_broken: Annotated[float, typer.Option(help="Share of images that may be unreadable.")] = 0.01,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Convert a data set; stored JPEG and PNG bytes are passed on unchanged.

    Unreadable images are left out and listed in OUT.broken.txt; past the share --max-broken nothing is made.
    """
    from dataclasses import asdict
    from json import dumps

    from facezoo.cli.progress import counting
    from facezoo.data.tools.pack import pack

    with counting(f"packing {data.name}", "images") as tick:
        packed = pack(
            data,
            out,
            format,
            min_images=min_images,
            per_shard=per_shard,
            pairs=pairs,
            identity_headers=identity_headers,
            seed=seed,
            max_broken=max_broken,
            tick=tick,
        )
    if json:
        print(dumps(asdict(packed)))
        return
    print(f"{packed.out}: {packed.images} images of {packed.identities} identities as {packed.format}")
    if packed.broken:
        print(f"{packed.broken} images cannot be read and were left out: {packed.broken_list}")
