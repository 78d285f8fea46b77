"""Faces of a run's first batch, as training sees them, for its page."""

from __future__ import annotations

import tempfile
from pathlib import Path

from facezoo.errors import FacezooError
from facezoo.io.html import Picture, jpeg_picture
from facezoo.io.printable import printable
from facezoo.training.config import RunConfig
from facezoo.training.setup import build_loader, open_training_data


def sample_batch(config: RunConfig, most: int) -> tuple[list[Picture], str]:
    """The first faces of the first batch, after augmentation.

    Args:
        config: the run's.
        most: number of faces.

    Returns:
        The pictures, and why there are none: data that cannot be opened on this machine are no error of a page.
    """
    data = config.data.model_copy(update={"workers": 0, "cache": False})
    try:
        faces, _ = open_training_data(config)
        with (
            tempfile.TemporaryDirectory() as folder,
            build_loader(config.model_copy(update={"data": data}), faces, Path(folder), 0, 1) as loader,
        ):
            batch = next(iter(loader.epoch(0, 0)))
            images, labels = batch.images[:most].copy(), batch.labels[:most].tolist()
    except (FacezooError, OSError, StopIteration) as error:
        return [], f"the data cannot be opened here: {error}"
    names = [printable(faces.class_names[label]) for label in labels]
    return [
        jpeg_picture(image, name, f"face of identity {name}, after augmentation")
        for image, name in zip(images, names, strict=True)
    ], ""
