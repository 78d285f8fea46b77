"""``facezoo datasets mask``: a masked copy of a folder of faces."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facezoo.cli import options

if TYPE_CHECKING:
    from facezoo.datasets.masking import Masked

SHOWN = 96  # images of a contact sheet


def command(
    data: Annotated[Path, typer.Argument(metavar="IN", help="Folder of faces, with or without identity folders.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder of the copies; an earlier call is continued.")],
    share: Annotated[float, typer.Option(metavar="SHARE", help="Share of the images that get a mask, 0 to 1.")] = 1.0,
    mesh: Annotated[
        float, typer.Option(metavar="SHARE", help="Share of the masks drawn in 3D, 0 to 1; the others are flat.")
    ] = 0.5,
    low: Annotated[
        float, typer.Option(metavar="SHARE", help="Share of the masks worn under the nose or at the chin.")
    ] = 0.1,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Only this kind: surgical, cloth, patterned, n95, folded, panels or gaiter; repeatable.",
        ),
    ] = None,
    landmarks: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Landmarks of photos, as the table of `facezoo align`. None: aligned crops."),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Another seed gives other masks.")] = 0,
    contact_sheet: Annotated[bool, typer.Option("--contact-sheet", help="Also write OUT/contact_sheet.png.")] = False,
    workers: options.Workers = 0,
    engine: options.Engine = "local",
    ray_address: options.RayAddress = None,
    as_json: options.AsJson = False,
) -> None:
    """Draw masks on the faces of a folder, and write the copies with the same paths.

    OUT/masks.csv lists the mask of each image. The masks depend on the seed and the paths only.
    """
    from collections import Counter

    from facezoo.cli.show import print_json, say
    from facezoo.data.transforms.masks.shapes import KINDS
    from facezoo.datasets.masking import TABLE, MaskSettings, mask_folder
    from facezoo.errors import UnknownNameError
    from facezoo.evaluation.inputs.folder import read_landmarks
    from facezoo.io.progress import progress_bar

    for name in kind or []:
        if name not in KINDS:
            raise UnknownNameError("kind of mask", name, KINDS)
    settings = MaskSettings(share, mesh, low, tuple(kind) if kind else KINDS, seed)
    where = options.bulk_engine(engine, ray_address, workers)
    points = None if landmarks is None else read_landmarks(landmarks)
    with progress_bar(f"masking {data.name}", "images") as on_progress:
        rows = mask_folder(data, out, settings, landmarks=points, engine=where, on_progress=on_progress)
    if contact_sheet:
        _write_sheet(out, rows)
    kinds = Counter(row.kind for row in rows if row.kind)
    failed = [row for row in rows if row.error]
    if as_json:
        print_json({"out": str(out), "images": len(rows), "masked": dict(kinds), "left_out": len(failed)})
        return
    say(f"{out}: {len(rows) - len(failed)} images, {sum(kinds.values())} with a mask")
    say(", ".join(f"{name} {number}" for name, number in kinds.most_common()) or "no masks")
    if failed:
        say(f"{len(failed)} images were left out, such as {failed[0].name}: {failed[0].error}; see {out / TABLE}")


def _write_sheet(out: Path, rows: list[Masked]) -> None:
    from facezoo.data.image import read_image
    from facezoo.io.sheet import spread, write_sheet, write_sheet_page

    made = [row for row in rows if row.kind and not row.error]
    if not made:
        return
    shown = spread(made, SHOWN)
    images = [read_image(out / row.name) for row in shown]
    labels = [f"{row.kind}, {row.generator}\n{row.name}" for row in shown]
    write_sheet(out / "contact_sheet.png", images, labels)
    note = f"{len(shown)} of {len(made)} masked images; below each the kind of mask, the generator and the file"
    write_sheet_page(out / "contact_sheet.html", images, labels, title=f"Masks of {out.name}", subtitle=note)
