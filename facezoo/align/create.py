"""Detectors by name."""

from __future__ import annotations

from typing import Any

from facezoo.errors import UnknownNameError
from facezoo.interfaces.detector import Detector

DETECTORS = {  # name -> what it is
    "mtcnn": "MTCNN, three small networks, on either backend (weights of the mtcnn package)",
}


def create_detector(name: str, *, backend: str = "torch", **options: Any) -> Detector:
    """A face detector.

    Args:
        name: "mtcnn".
        backend: "torch" or "paddle": what the networks run on.
        options: settings of the detector; see :class:`facezoo.align.mtcnn.MTCNN`.

    Raises:
        UnknownNameError: there is no such detector or backend, or no such option.
        BackendUnavailableError: a needed package is not installed; the message gives the pip command.
    """
    if name == "mtcnn":
        from facezoo.align.mtcnn import create_mtcnn

        return create_mtcnn(backend=backend, **options)
    raise UnknownNameError("detector", name, DETECTORS)
