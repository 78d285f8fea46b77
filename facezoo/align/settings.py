"""The settings of an alignment run."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from facezoo.align.choose import check_rule
from facezoo.align.templates import Template, get_template
from facezoo.backends import default_backend
from facezoo.errors import ConfigError, UnknownNameError

FORMATS = ("png", "jpg")
_FREE = ("backend", "device", "max_pixels")  # may differ between the calls for one folder


@dataclass(frozen=True)
class AlignSettings:
    """The settings that determine the crops of a photo.

    Attributes:
        template: name of a template.
        size: (H, W) of the crops, None for the template's own.
        margin: border around the template, as a share of its side.
        face: which faces of a photo are kept: "largest", "central" or "all".
        min_score: faces with a lower score are left out, 0..1.
        format: "png" or "jpg" (quality 95, no chroma subsampling).
        detector: a name of ``facezoo.create_detector``.
        options: options of the detector.
        landmarks: a file of landmarks, used instead of a detector; see :mod:`facezoo.align.landmark_file`.
        frame_step: every N-th frame of a video is used.
        backend: "torch" or "paddle"; by default the installed one, "torch" where both are.
        device: name of a device in the framework.
        max_pixels: photos with more pixels are not decoded.
    """

    template: str = "arcface112"
    size: tuple[int, int] | None = None
    margin: float = 0.0
    face: str = "largest"
    min_score: float = 0.0
    format: str = "png"
    detector: str = "mtcnn"
    options: dict[str, Any] = field(default_factory=dict)
    landmarks: str | None = None
    frame_step: int = 25
    backend: str = field(default_factory=default_backend)
    device: str = "cpu"
    max_pixels: int = 100_000_000

    def __post_init__(self) -> None:
        check_rule(self.face)
        if self.format not in FORMATS:
            raise UnknownNameError("image format", self.format, FORMATS)
        if not 0 <= self.min_score <= 1:
            raise ConfigError(f"min_score is {self.min_score}; expected 0..1")
        if self.frame_step < 1:
            raise ConfigError(f"frame_step is {self.frame_step}; expected 1 or more")
        self.frame()

    def frame(self) -> Template:
        """The template with size and margin applied."""
        return get_template(self.template).resized(self.size, self.margin)

    def record(self) -> dict[str, Any]:
        """The settings that must be equal for all crops of one folder, as plain JSON types."""
        values = {key: value for key, value in asdict(self).items() if key not in _FREE}
        if self.landmarks is not None:
            values["landmarks"] = str(Path(self.landmarks).name)
        return json.loads(json.dumps(values))
