"""``facezoo align``: from photos to aligned faces."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from facezoo.align.batch import AlignSummary


def command(
    photos: Annotated[Path, typer.Argument(help="Folder of photos and videos, with identity folders or not.")],
    out: Annotated[Path, typer.Argument(help="Folder for the crops and their table.")],
    backend: Annotated[str, typer.Option(help="torch or paddle; the crops are the same.")] = "torch",
    detector: Annotated[str, typer.Option(help="mtcnn or uniface.")] = "mtcnn",
    template: Annotated[str, typer.Option(help="arcface112, arcfaceN or sphereface96x112.")] = "arcface112",
    size: Annotated[str, typer.Option(help="Size of the crops, N or HxW; default the template's.")] = "",
    margin: Annotated[float, typer.Option(help="Room around the template, as a share of its side.")] = 0.0,
    face: Annotated[str, typer.Option(help="Faces kept: largest, central or all.")] = "largest",
    min_face_size: Annotated[float, typer.Option(help="Smallest face looked for, in pixels.")] = 20,
    min_score: Annotated[float, typer.Option(help="Faces with a lower score are left out.")] = 0.0,
    landmarks: Annotated[Path | None, typer.Option(help="CSV of landmarks in the detector's place.")] = None,
    image_format: Annotated[str, typer.Option("--format", help="png or jpg.")] = "png",
    table: Annotated[str, typer.Option(help="auto (Parquet where pyarrow is), csv or parquet.")] = "auto",
    contact_sheet: Annotated[bool, typer.Option("--contact-sheet", help="Write contact_sheet.png.")] = False,
    frame_step: Annotated[int, typer.Option(help="Of a video, take every so many-th frame.")] = 25,
    max_pixels: Annotated[int, typer.Option(help="Photos with more are not decoded.")] = 100_000_000,
    max_unreadable: Annotated[float, typer.Option(help="Fail above this share of unreadable photos.")] = 0.1,
    retry: Annotated[bool, typer.Option("--retry", help="Try photos without a face again.")] = False,
    workers: Annotated[int, typer.Option(help="Processes; 0 takes one a core.")] = 0,
    device: Annotated[str, typer.Option(help="Where the networks run.")] = "cpu",
    json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Find, choose and align the faces in a folder of photos.

    Folders are kept. A second call does only what is missing, also after the first was stopped.
    """
    import os

    from facezoo.align.batch import align_folder
    from facezoo.align.contact_sheet import contact_sheet as write_sheet
    from facezoo.align.settings import AlignSettings
    from facezoo.align.table import read_table
    from facezoo.cli.progress import counting
    from facezoo.cli.show import print_json

    options: dict[str, Any] = {"min_face_size": min_face_size} if detector == "mtcnn" else {}
    settings = AlignSettings(
        template=template, size=parse_size(size), margin=margin, face=face, min_score=min_score,
        format=image_format, detector=detector, options=options, frame_step=frame_step, backend=backend,
        landmarks=None if landmarks is None else str(landmarks), device=device, max_pixels=max_pixels,
    )  # fmt: skip
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # processes share the cores; threads would only get in the way
    count = workers if workers > 0 else os.cpu_count() or 1
    with counting(f"aligning {photos.name}", "photos") as tick:
        summary = align_folder(
            photos, out, settings, workers=count, table=table, max_unreadable=max_unreadable, retry=retry, tick=tick
        )
    if contact_sheet and summary.crops:
        write_sheet(read_table(Path(summary.table)), out, out / "contact_sheet.png")
    print_json(summary.as_dict()) if json else print(_text(summary))


def parse_size(text: str) -> tuple[int, int] | None:
    """``N`` or ``HxW`` to (H, W), "" to None.

    >>> parse_size("112x96")
    (112, 96)
    """
    from facezoo.errors import ConfigError

    if not text:
        return None
    parts = text.lower().split("x")
    if len(parts) > 2 or not all(part.isdigit() for part in parts):
        raise ConfigError(f"--size is {text!r}; expected N or HxW, such as 112 or 112x96")
    return int(parts[0]), int(parts[-1])


def _text(summary: AlignSummary) -> str:
    before = f", {summary.done_before} done before" if summary.done_before else ""
    return (
        f"{summary.photos} photos{before}: {summary.crops} crops, {summary.no_face} without a face, "
        f"{summary.unreadable} unreadable\n"
        f"{summary.seconds:.1f} s, {summary.rate:.1f} photos/s\n"
        f"table: {summary.table}"
    )
