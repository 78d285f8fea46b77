"""``facezoo align``: crop the faces of photos and videos, aligned to a template."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from facezoo.cli import options

if TYPE_CHECKING:
    from facezoo.align.batch import AlignSummary

IMAGE_FORMATS = ("png", "jpg")
FACES = ("largest", "central", "all")
TEMPLATES = "arcface112, arcfaceN (N pixels wide), sphereface96x112"


def command(
    photos: Annotated[
        Path, typer.Argument(metavar="PHOTOS", help="Folder of photos and videos, with or without identity folders.")
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for the crops and their table.")],
    backend: options.Backend = options.DEFAULT_BACKEND,
    detector: options.Detector = "mtcnn",
    template: Annotated[str, typer.Option(metavar="NAME", help=f"One of {TEMPLATES}.")] = "arcface112",
    size: Annotated[str, typer.Option(metavar="N|HxW", help="Size of the crops. Default: the template's.")] = "",
    margin: Annotated[
        float, typer.Option(metavar="SHARE", help="Border around the template, as a share of its side.")
    ] = 0.0,
    face: Annotated[str, options.one_of("choice of face", FACES, "Which faces of a photo are kept.")] = "largest",
    min_face_size: options.MinFaceSize = 20,
    min_score: Annotated[float, typer.Option(metavar="SCORE", help="Faces with a lower score are left out.")] = 0.0,
    landmarks: Annotated[
        Path | None, typer.Option(metavar="FILE", help="CSV of landmarks, used instead of a detector.")
    ] = None,
    image_format: Annotated[
        str, options.one_of("image format", IMAGE_FORMATS, "File format of the crops.", "--format")
    ] = "png",
    table: Annotated[
        str,
        options.one_of(
            "table format", ("auto", "csv", "parquet"), "Table format; auto: Parquet if pyarrow is installed."
        ),
    ] = "auto",
    contact_sheet: Annotated[bool, typer.Option("--contact-sheet", help="Also write contact_sheet.png.")] = False,
    frame_step: Annotated[int, typer.Option(metavar="N", help="Take every N-th frame of a video.")] = 25,
    max_pixels: options.MaxPixels = 100_000_000,
    max_unreadable: Annotated[
        float, typer.Option(metavar="SHARE", help="Fail if a larger share of the photos is unreadable.")
    ] = 0.1,
    retry: Annotated[bool, typer.Option("--retry", help="Try photos without a face again.")] = False,
    workers: options.Workers = 0,
    engine: options.Engine = "local",
    ray_address: options.RayAddress = None,
    device: options.Device = "cpu",
    as_json: options.AsJson = False,
) -> None:
    """Find and align the faces in a folder of photos.

    The subfolders are kept. A call that was interrupted can be repeated: only the missing photos are processed.
    """
    import os

    from facezoo.align.batch import align_folder
    from facezoo.align.contact_sheet import contact_sheet as write_sheet
    from facezoo.align.settings import AlignSettings
    from facezoo.align.table import read_table
    from facezoo.cli.show import print_json
    from facezoo.io.progress import progress_bar

    detector_options: dict[str, Any] = {"min_face_size": min_face_size} if detector == "mtcnn" else {}
    settings = AlignSettings(
        template=template, size=parse_size(size), margin=margin, face=face, min_score=min_score,
        format=image_format, detector=detector, options=detector_options, frame_step=frame_step, backend=backend,
        landmarks=None if landmarks is None else str(landmarks), device=device, max_pixels=max_pixels,
    )  # fmt: skip
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # processes share the cores; threads would only compete
    where = options.bulk_engine(engine, ray_address, workers)
    with progress_bar(f"aligning {photos.name}", "photos") as on_progress:
        summary = align_folder(
            photos, out, settings, engine=where, table=table, max_unreadable=max_unreadable, retry=retry,
            on_progress=on_progress,
        )  # fmt: skip
    if contact_sheet and summary.crops:
        write_sheet(read_table(Path(summary.table)), out, out / "contact_sheet.png")
    print_json(summary.as_dict()) if as_json else print(_text(summary))


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
