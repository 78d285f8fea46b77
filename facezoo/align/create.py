"""Detectors by name."""

from __future__ import annotations

from typing import Any

from facezoo.backends import default_backend
from facezoo.errors import UnknownNameError
from facezoo.interfaces.detector import Detector

DETECTORS = {  # name -> description
    "mtcnn": "MTCNN, three small networks, on either backend (weights of the mtcnn package)",
    "uniface": "the detectors of the uniface package, in ONNX Runtime, whatever the backend",
}


def create_detector(name: str, *, backend: str | None = None, **options: Any) -> Detector:
    """A face detector.

    Args:
        name: "mtcnn" or "uniface".
        backend: "torch" or "paddle", for the networks of "mtcnn"; by default the installed one.
        options: options of the detector; see :class:`facezoo.align.mtcnn.MTCNN` and
            :class:`facezoo.align.onnx_detector.UniFaceDetector`.

    Raises:
        UnknownNameError: there is no such detector, backend or option.
        BackendUnavailableError: a required package is not installed; the message gives the pip command.
    """
    if name == "mtcnn":
        from facezoo.align.mtcnn import create_mtcnn

        return create_mtcnn(backend=backend or default_backend(), **options)
    if name == "uniface":
        from facezoo.align.onnx_detector import UniFaceDetector

        for option in options:
            if option not in ("model", "min_score"):
                raise UnknownNameError("option of the uniface detector", option, ("model", "min_score"))
        return UniFaceDetector(**options)
    raise UnknownNameError("detector", name, DETECTORS)
