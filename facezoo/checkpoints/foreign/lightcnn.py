"""LightCNN 9, 29, 29v2 and v4 of the official code, and the 29-layer network of FaceX-Zoo."""

from __future__ import annotations

from collections.abc import Iterator

from facezoo.checkpoints.foreign.base import ANY, Found, Layout, Shapes
from facezoo.checkpoints.foreign.ghostnet import NECK
from facezoo.specs.lightcnn import LightCNNSpec


class LightCNN9Layout(Layout):
    """``features.{0,2,4,6,7}``, ``fc1``; the classifier ``fc2`` is dropped."""

    family = "9"
    projects = ("lightcnn",)

    def recognise(self, shapes: Shapes) -> Found | None:
        """Recognised by ``features.2.conv_a``."""
        if not {"features.0.filter.weight", "features.2.conv_a.filter.weight", "fc1.filter.weight"} <= set(shapes):
            return None
        return Found("LightCNN9", {"form": "official", "embedding_size": shapes["fc1.filter.weight"][0] // 2})

    def layers(self, spec: LightCNNSpec) -> Iterator[tuple[str, str]]:  # type: ignore[override]
        """See the class."""
        yield from (("stem.conv", "features.0.filter"), ("neck.linear", "fc1.filter"))
        for stage, place in enumerate((2, 4, 6, 7)):
            yield f"stages.{stage}.0.reduce.conv", f"features.{place}.conv_a.filter"
            yield f"stages.{stage}.0.mfm.conv", f"features.{place}.conv.filter"

    def unused(self, spec: LightCNNSpec, shapes: Shapes) -> dict[str, tuple[int, ...]]:  # type: ignore[override]
        """The classifier."""
        return {"fc2.weight": ANY, "fc2.bias": ANY}


class _Residual(Layout):
    """What the 29-layer networks share: ``conv1``, ``blockK.i.{conv1,conv2}``, ``groupK.{conv_a,conv}``."""

    projects = ("lightcnn",)

    def layers(self, spec: LightCNNSpec) -> Iterator[tuple[str, str]]:  # type: ignore[override]
        """The trunk."""
        yield "stem.conv", "conv1.filter"
        for stage, count in enumerate(spec.residual):
            for unit in range(count):
                for number in (1, 2):
                    ours = f"stages.{stage}.{unit}.mfm{number}.conv"
                    yield ours, f"block{stage + 1}.{unit}.conv{number}.filter"
            if spec.grouped:
                yield f"stages.{stage}.{count}.reduce.conv", f"group{stage + 1}.conv_a.filter"
                yield f"stages.{stage}.{count}.mfm.conv", f"group{stage + 1}.conv.filter"
            else:
                yield f"stages.{stage}.{count}.conv", f"conv{stage + 2}.filter"


class LightCNN29Layout(_Residual):
    """The last layer is an MFM too: ``fc.filter``."""

    family = "29"

    def recognise(self, shapes: Shapes) -> Found | None:
        """Recognised by groups and ``fc.filter``."""
        if not {"group1.conv_a.filter.weight", "fc.filter.weight"} <= set(shapes):
            return None
        return Found("LightCNN29", {"form": "official", "embedding_size": shapes["fc.filter.weight"][0] // 2})

    def layers(self, spec: LightCNNSpec) -> Iterator[tuple[str, str]]:  # type: ignore[override]
        """See the class."""
        yield from super().layers(spec)
        yield "neck.linear", "fc.filter"

    def unused(self, spec: LightCNNSpec, shapes: Shapes) -> dict[str, tuple[int, ...]]:  # type: ignore[override]
        """The classifier."""
        return {"fc2.weight": ANY, "fc2.bias": ANY}


class LightCNN29v2Layout(_Residual):
    """The last layer is linear, the classifier has no bias."""

    family = "29v2"

    def recognise(self, shapes: Shapes) -> Found | None:
        """Recognised by groups and a plain ``fc``."""
        if not {"group1.conv_a.filter.weight", "fc.weight"} <= set(shapes):
            return None
        return Found("LightCNN29v2", {"form": "official", "embedding_size": shapes["fc.weight"][0]})

    def layers(self, spec: LightCNNSpec) -> Iterator[tuple[str, str]]:  # type: ignore[override]
        """See the class."""
        yield from super().layers(spec)
        yield "neck.linear", "fc"

    def unused(self, spec: LightCNNSpec, shapes: Shapes) -> dict[str, tuple[int, ...]]:  # type: ignore[override]
        """The classifier."""
        return {"fc2.weight": ANY}


class LightCNNv4Layout(_Residual):
    """``conv1..conv5``, no groups, colour images, no classifier."""

    family = "v4"
    projects = ("lightcnn_v4",)

    def recognise(self, shapes: Shapes) -> Found | None:
        """Recognised by ``conv5`` and a plain ``fc``."""
        if not {"conv5.filter.weight", "block1.0.conv1.filter.weight", "fc.weight"} <= set(shapes):
            return None
        return Found("LightCNN_v4", {"embedding_size": shapes["fc.weight"][0]})

    def layers(self, spec: LightCNNSpec) -> Iterator[tuple[str, str]]:  # type: ignore[override]
        """See the class."""
        yield from super().layers(spec)
        yield "neck.linear", "fc"


class FacexLightCNNLayout(_Residual):
    """The trunk of 29v2 on colour images with neck E."""

    family = "lightcnn"
    projects = ("facex",)

    def recognise(self, shapes: Shapes) -> Found | None:
        """Recognised by groups and ``output_layer``."""
        if not {"group1.conv_a.filter.weight", "output_layer.3.weight"} <= set(shapes):
            return None
        return Found("LightCNN29v2", {"embedding_size": shapes["output_layer.3.weight"][0]})

    def layers(self, spec: LightCNNSpec) -> Iterator[tuple[str, str]]:  # type: ignore[override]
        """See the class."""
        yield from super().layers(spec)
        yield from NECK
