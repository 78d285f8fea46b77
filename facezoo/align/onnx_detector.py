"""The detectors of the UniFace package, whose networks run in ONNX Runtime.

``pip install 'facezoo[uniface]'`` installs the package (MIT licence). It downloads the weights of a model once and
checks their hash. This module adapts its interface.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from facezoo.errors import BackendUnavailableError, ConfigError, DownloadError, UnknownNameError
from facezoo.interfaces.detector import Detector, Face

FAMILIES = ("SCRFD", "RetinaFace", "YOLOv5Face", "YOLOv8Face", "CenterFace")  # detectors with five landmarks


class UniFaceDetector(Detector):
    """A detector of the ``uniface`` package.

    Args:
        model: name of a weight file in the package, such as "scrfd_10g", "scrfd_500m" or "retinaface_mnet_v2".
        min_score: faces with a lower score are left out, between 0 and 1.

    Raises:
        BackendUnavailableError: the package is not installed; the message gives the pip command.
        UnknownNameError: the package has no such model.
        DownloadError: the weights could not be downloaded.
    """

    name = "uniface"

    def __init__(self, *, model: str = "scrfd_10g", min_score: float = 0.5) -> None:
        if not 0 < min_score < 1:
            raise ConfigError(f"min_score is {min_score}; expected between 0 and 1")
        try:
            from uniface import constants, detection
        except ImportError as error:
            raise BackendUnavailableError(
                "the uniface detector needs UniFace and ONNX Runtime: pip install 'facezoo[uniface]'"
            ) from error
        models = {
            weights.value: (getattr(detection, family), weights)
            for family in FAMILIES
            if hasattr(detection, family)
            for weights in getattr(constants, f"{family}Weights")
        }
        if model not in models:
            raise UnknownNameError("uniface model", model, models)
        network, weights = models[model]
        try:
            self._network: Any = network(model_name=weights, confidence_threshold=min_score)
        except ConnectionError as error:
            raise DownloadError(f"uniface could not download {model}: {error}") from error

    def detect_batch(self, images: Sequence[np.ndarray]) -> list[list[Face]]:
        """Faces of each image, highest score first.

        Args:
            images: uint8 RGB arrays (H, W, 3), each of its own size.
        """
        return [self._detect(np.ascontiguousarray(image[:, :, ::-1])) for image in images]

    def _detect(self, bgr: np.ndarray) -> list[Face]:
        found = [
            Face(
                np.asarray(face.bbox, np.float32)[:4],
                np.asarray(face.landmarks, np.float32).reshape(5, 2),
                float(face.confidence),
            )
            for face in self._network.detect(bgr)
        ]
        return sorted(found, key=lambda face: -face.score)
