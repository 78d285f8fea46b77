"""``facezoo detect``: the faces in one photo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer


def command(
    photo: Annotated[Path, typer.Argument(help="The photo.")],
    draw: Annotated[Path | None, typer.Option(help="Write the photo with boxes and landmarks here.")] = None,
    backend: Annotated[str, typer.Option(help="torch or paddle; the result is the same.")] = "torch",
    detector: Annotated[str, typer.Option(help="mtcnn or uniface.")] = "mtcnn",
    min_face_size: Annotated[float, typer.Option(help="Smallest face looked for, in pixels.")] = 20,
    max_pixels: Annotated[int, typer.Option(help="A photo with more is not decoded.")] = 100_000_000,
    device: Annotated[str, typer.Option(help="Where the networks run.")] = "cpu",
    json: Annotated[bool, typer.Option("--json", help="Print the faces as JSON.")] = False,
) -> None:
    """Print the faces in a photo: score, box, landmarks and pose, best first."""
    from PIL import Image

    from facezoo.align.create import create_detector
    from facezoo.align.draw import draw_faces
    from facezoo.align.quality import pose
    from facezoo.cli.show import print_json, print_table
    from facezoo.data.image import read_image
    from facezoo.errors import ConfigError
    from facezoo.io.files import atomic_write

    formats = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
    if draw is not None and draw.suffix.lower() not in formats:
        raise ConfigError(f"--draw is {str(draw)!r}; its name must end in one of {', '.join(formats)}")
    pixels = read_image(photo, max_pixels=max_pixels)
    options: dict[str, Any] = {}
    if detector == "mtcnn":
        options = {"backend": backend, "device": device, "min_face_size": min_face_size}
    faces = create_detector(detector, **options).detect_batch([pixels])[0]
    if draw is not None:
        with atomic_write(draw) as part:
            Image.fromarray(draw_faces(pixels, faces)).save(part, formats[draw.suffix.lower()])
    if json:
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
