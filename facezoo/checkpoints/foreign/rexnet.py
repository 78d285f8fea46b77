"""ReXNet of FaceX-Zoo, with and without squeeze-and-excitation; layers are named by position."""

from __future__ import annotations

from collections.abc import Iterator

from facezoo.checkpoints.foreign.base import Found, Layout, Shapes
from facezoo.checkpoints.foreign.ghostnet import NECK
from facezoo.specs.rexnet import ReXNetSpec


class ReXNetLayout(Layout):
    """``features.0/1`` stem, ``features.{3..18}.out.k`` bottlenecks, ``features.19/20`` last convolution."""

    family = "rexnet"
    projects = ("facex",)

    def recognise(self, shapes: Shapes) -> Found | None:
        """Recognised by ``features.3.out.0`` and the face neck."""
        if not {"features.3.out.0.weight", "features.19.weight", "output_layer.3.weight"} <= set(shapes):
            return None
        se = any(".fc." in key for key in shapes)
        return Found("ReXNet", {"se": se, "embedding_size": shapes["output_layer.3.weight"][0]})

    def layers(self, spec: ReXNetSpec) -> Iterator[tuple[str, str]]:  # type: ignore[override]
        """Inside a bottleneck: [conv, BN, swish,] conv, BN, [SE,] ReLU6, conv, BN."""
        yield from (("stem.conv", "features.0"), ("stem.bn", "features.1"))
        for number in range(len(spec.widths)):
            ours, theirs = f"blocks.{number}", f"features.{number + 3}.out"
            place = 0
            if number:
                yield from ((f"{ours}.expand.conv", f"{theirs}.0"), (f"{ours}.expand.bn", f"{theirs}.1"))
                place = 3
            yield f"{ours}.depthwise.conv", f"{theirs}.{place}"
            yield f"{ours}.depthwise.bn", f"{theirs}.{place + 1}"
            if spec.se and number >= spec.se_from:
                for layer, inside in (("fc1", 0), ("bn", 1), ("fc2", 3)):
                    yield f"{ours}.se.{layer}", f"{theirs}.{place + 2}.fc.{inside}"
                place += 1
            yield f"{ours}.project.conv", f"{theirs}.{place + 3}"
            yield f"{ours}.project.bn", f"{theirs}.{place + 4}"
        last = len(spec.widths) + 3
        yield from (("last.conv", f"features.{last}"), ("last.bn", f"features.{last + 1}"), *NECK)
