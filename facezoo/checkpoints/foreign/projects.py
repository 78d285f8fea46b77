"""Projects that publish weights, and the preprocessing of each."""

from __future__ import annotations

from dataclasses import dataclass

from facezoo.specs.preprocess import Preprocess


@dataclass(frozen=True)
class Project:
    """A project that publishes checkpoints.

    Attributes:
        name: as shown in messages.
        color: channel order that its networks take.
        mean: subtracted, the same for each channel.
        std: divided by, the same for each channel.
        normalises: whether its network divides the embedding by its norm; ours does not, which changes no cosine.
    """

    name: str
    color: str = "RGB"
    mean: float = 127.5
    std: float = 127.5
    normalises: bool = False

    def preprocess(self, size: tuple[int, int], template: str = "arcface112") -> Preprocess:
        """The preprocessing for images of this size."""
        channels = 1 if self.color == "gray" else 3
        return Preprocess(self.color, size, (self.mean,) * channels, (self.std,) * channels, template)


PROJECTS = {
    "evolve": Project("face.evoLVe"),
    "facex": Project("FaceX-Zoo", color="BGR", std=128.0),
    "arcface_torch": Project("InsightFace arcface_torch"),
    "magface": Project("MagFace", color="BGR", mean=0.0, std=255.0),
    "adaface": Project("AdaFace", color="BGR", normalises=True),
    "cvlface": Project("CVLface"),
    "lightcnn": Project("LightCNN", color="gray", mean=0.0, std=255.0),
    "lightcnn_v4": Project("LightCNN v4", color="BGR", mean=0.0, std=255.0),
    "plsc": Project("PLSC"),
    "arcface_paddle": Project("InsightFace arcface_paddle"),
    "hse": Project("HSE_FaceRec_tf", color="BGR"),
}
