"""``facezoo weights list``."""

from __future__ import annotations

from typing import Annotated

import typer

from facezoo.cli import options


def command(
    cached: Annotated[bool, typer.Option("--cached", help="Only models in the cache, with their size.")] = False,
    backbone: Annotated[str | None, typer.Option(metavar="NAME", help="Only models with this backbone.")] = None,
    as_json: options.AsJson = False,
) -> None:
    """List the pretrained models in the index."""
    from facezoo.cli.show import count, print_json, print_table
    from facezoo.errors import UnknownNameError
    from facezoo.weights import folder_of, load_index

    index = load_index()
    known = sorted({entry.backbone for entry in index.values()})
    if backbone is not None and backbone not in known:
        raise UnknownNameError("backbone in the index", backbone, known)
    rows, records = [], []
    for entry in index.values():
        folder = folder_of(entry.name)
        size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file()) if folder.is_dir() else 0
        if (cached and not size) or (backbone is not None and entry.backbone != backbone):
            continue
        lfw = next((figure.value for figure in (*entry.measured, *entry.published) if figure.benchmark == "LFW"), None)
        data = ", ".join(entry.training_data)
        loads = "yes" if entry.loads else "no"
        rows.append([entry.name, entry.backbone, entry.head, data, lfw or "", loads, count(size) if size else ""])
        records.append({**entry.model_dump(mode="json"), "loads": entry.loads, "cached_bytes": size})
    if as_json:
        print_json(records)
        return
    print_table(["name", "backbone", "head", "trained on", "LFW", "loads", "cached bytes"], rows, right=(4, 6))
