"""``facezoo datasets pack``: a data set in another layout."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facezoo.cli import options

FORMATS = ("folder", "rec", "shards", "bin")


def command(
    data: Annotated[Path, typer.Argument(metavar="IN", help="Identity folders, a list, a .rec or tar shards.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The file or folder to write; must not exist.")],
    format: Annotated[str, options.one_of("format", FORMATS, "The new layout; bin: verification pairs.")],
    min_images: Annotated[int, typer.Option(metavar="N", help="Leave out identities with fewer images.")] = 1,
    per_shard: Annotated[int, typer.Option(metavar="N", help="Images per tar shard.")] = 4096,
    pairs: Annotated[int, typer.Option(metavar="N", help="Largest number of pairs in a .bin.")] = 6000,
    identity_headers: Annotated[
        bool, typer.Option(help="Write identity header records into a .rec, as InsightFace does.")
    ] = True,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of the order in shards and of the pairs.")] = 0,
    max_broken: Annotated[
        float, typer.Option(metavar="SHARE", help="Largest share of images that may be unreadable.")
    ] = 0.01,
    workers: Annotated[
        int, typer.Option(metavar="N", help="Number of processes that decode the images; 0: one per core.")
    ] = 1,
    engine: options.Engine = "local",
    ray_address: options.RayAddress = None,
    as_json: options.AsJson = False,
) -> None:
    """Convert a data set to another layout.

    JPEG and PNG bytes are copied unchanged. Unreadable images are left out and listed in OUT.broken.txt; if their
    share is larger than --max-broken, nothing is written.
    """
    from dataclasses import asdict

    from facezoo.cli.show import print_json, say
    from facezoo.data.tools.pack import pack
    from facezoo.io.progress import progress_bar

    # with Ray, the default of one process does not limit a cluster
    where = options.bulk_engine(engine, ray_address, 0 if engine == "ray" and workers == 1 else workers)
    with progress_bar(f"packing {data.name}", "images") as on_progress:
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
            engine=where,
            on_progress=on_progress,
        )
    if as_json:
        print_json(asdict(packed))
        return
    say(f"{packed.out}: {packed.images} images of {packed.identities} identities as {packed.format}")
    if packed.broken:
        say(f"{packed.broken} images cannot be read and were left out: {packed.broken_list}")
