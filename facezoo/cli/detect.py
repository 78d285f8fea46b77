"""``facezoo detect``: the faces in one photo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from facezoo.cli import options


def command(
    photo: options.Photo,
    draw: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the photo with boxes and landmarks to this file.")
    ] = None,
    backend: options.Backend = options.DEFAULT_BACKEND,
    detector: options.Detector = "mtcnn",
    min_face_size: options.MinFaceSize = 20,
    max_pixels: options.MaxPixels = 100_000_000,
    device: options.Device = "cpu",
    as_json: options.AsJson = False,
) -> None:
    """List the faces in a photo with score, box and pose, the highest score first."""
    from PIL import Image

    from facezoo.align.create import create_detector
    from facezoo.align.draw import draw_faces
    from facezoo.align.quality import pose
    from facezoo.cli.show import print_json, print_table
    from facezoo.cli.writable import check_output
    from facezoo.data.image import read_image
    from facezoo.errors import ConfigError
    from facezoo.io.files import atomic_write

    formats = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
    if draw is not None and draw.suffix.lower() not in formats:
        raise ConfigError(f"--draw is {str(draw)!r}; its name must end in one of {', '.join(formats)}")
    check_output("--draw", draw)
    pixels = read_image(photo, max_pixels=max_pixels)
    settings: dict[str, Any] = {}
    if detector == "mtcnn":
        settings = {"backend": backend, "device": device, "min_face_size": min_face_size}
    faces = create_detector(detector, **settings).detect_batch([pixels])[0]
    if draw is not None:
        with atomic_write(draw) as part:
            Image.fromarray(draw_faces(pixels, faces)).save(part, formats[draw.suffix.lower()])
    if as_json:
        found = [
            {"score": face.score, "box": face.box.tolist(), "landmarks": face.landmarks.tolist(),
             "yaw_pitch_roll": pose(face.landmarks)}
            for face in faces
        ]  # fmt: skip
        print_json({"photo": str(photo), "width": pixels.shape[1], "height": pixels.shape[0], "faces": found})
        return
    if not faces:
        print("no face found")
        return
    head = ["score", "box x1 y1 x2 y2", "yaw", "pitch", "roll"]
    rows = []
    for face in faces:
        angles = (f"{angle:+.0f}" for angle in pose(face.landmarks))
        rows.append([f"{face.score:.4f}", " ".join(f"{value:.0f}" for value in face.box), *angles])
    print_table(head, rows, right=(0, 2, 3, 4))
