"""MobileFaceNet of arcface_torch ("mbf"), and of PLSC with Paddle's tensor names; shapes give scale and depth."""

from __future__ import annotations

from collections.abc import Iterator

from facezoo.checkpoints.foreign.base import Found, Layout, Shapes, counted, style_of
from facezoo.specs.mobilefacenet import MobileFaceNetSpec

PARTS = ("expand", "depthwise", "project")


class ArcfaceMbf(Layout):
    """``layers.0..7``, ``conv_sep``, ``features``; every unit has its parts in ``layers.{0,1,2}``."""

    family = "mobilefacenet"
    projects = ("arcface_torch", "plsc")

    def recognise(self, shapes: Shapes) -> Found | None:
        """Recognised by ``conv_sep.layers.0`` and ``features.layers.2``."""
        first = shapes.get("layers.0.layers.0.weight", ())
        if len(first) != 4 or not {"conv_sep.layers.0.weight", "features.layers.2.weight"} <= set(shapes):
            return None
        single = "layers.1.layers.0.weight" in shapes
        second = 1 if single else counted(shapes, r"layers\.1\.layers\.(\d+)\.layers\.")
        repeats = [counted(shapes, rf"layers\.{place}\.layers\.(\d+)\.layers\.\d+\.layers\.") for place in (3, 5, 7)]
        scale = first[0] // 64
        if min(second, scale, *repeats) < 1:
            return None
        linear = shapes["features.layers.2.weight"]
        size = linear[-1] if style_of(shapes) == "paddle" else linear[0]
        variant = {"blocks": (second, *repeats), "scale": scale, "embedding_size": size}
        return Found("MobileFaceNet", variant, style_of(shapes))

    def layers(self, spec: MobileFaceNetSpec) -> Iterator[tuple[str, str]]:  # type: ignore[override]
        """See the class."""
        second, *repeats = spec.blocks
        yield from self._unit("stem", "layers.0")
        if second == 1:
            yield from self._unit("second.0", "layers.1")
        else:
            for block in range(second):
                yield from self._block(f"second.{block}", f"layers.1.layers.{block}")
        for stage, count in enumerate(repeats):
            yield from self._block(f"stages.{stage}.0", f"layers.{2 * stage + 2}")
            for block in range(count):
                yield from self._block(f"stages.{stage}.{block + 1}", f"layers.{2 * stage + 3}.layers.{block}")
        yield from self._unit("last", "conv_sep")
        yield from (("neck.conv", "features.layers.0.layers.0"), ("neck.bn", "features.layers.0.layers.1"))
        yield from (("neck.linear", "features.layers.2"), ("neck.bn_out", "features.layers.3"))

    def _block(self, ours: str, theirs: str) -> Iterator[tuple[str, str]]:
        for place, part in enumerate(PARTS):
            yield from self._unit(f"{ours}.{part}", f"{theirs}.layers.{place}")

    @staticmethod
    def _unit(ours: str, theirs: str) -> Iterator[tuple[str, str]]:
        for place, layer in enumerate(("conv", "bn", "prelu")):
            yield f"{ours}.{layer}", f"{theirs}.layers.{place}"
