"""AttentionNet of face.evoLVe and FaceX-Zoo; its files hold shortcut convolutions that are not used."""

from __future__ import annotations

from collections.abc import Iterator

from facezoo.checkpoints.foreign.base import Found, Layout, Shapes
from facezoo.specs.attentionnet import AttentionNetSpec
from facezoo.zoo import catalog

UNIT = ("bn1", "conv1", "bn2", "conv2", "bn3", "conv3")
TAIL = {"bn1": "0", "conv1": "2", "bn2": "3", "conv2": "5"}


class AttentionLayout(Layout):
    """``attention_body.N``: units ``{bn1,conv1,bn2,conv2,bn3,conv3,conv4}`` and attention modules."""

    family = "attention"
    projects = ("facex", "evolve")

    def recognise(self, shapes: Shapes) -> Found | None:
        """Recognised by ``attention_body.1.softmax6_blocks``; the number of bodies gives the depth."""
        if "attention_body.1.softmax6_blocks.0.weight" not in shapes or "output_layer.1.weight" not in shapes:
            return None
        last = max(int(key.split(".")[1]) for key in shapes if key.startswith("attention_body."))
        for name in ("AttentionNet56", "AttentionNet92"):
            spec = catalog.BACKBONES[name]
            if isinstance(spec, AttentionNetSpec) and last == sum(spec.modules) + 5:
                return Found(name, {"embedding_size": shapes["output_layer.1.weight"][0]})
        return None

    def layers(self, spec: AttentionNetSpec) -> Iterator[tuple[str, str]]:  # type: ignore[override]
        """See the class."""
        yield from (("stem.conv", "conv1.0"), ("stem.bn", "conv1.1"))
        for ours, theirs in self._units(spec):
            yield from ((f"{ours}.{layer}", f"{theirs}.{layer}") for layer in UNIT)
            yield f"{ours}.shortcut", f"{theirs}.conv4"
        for place, levels, _ in self._modules(spec):
            for ours, number in TAIL.items():
                yield f"body.{place}.tail.{ours}", f"attention_body.{place}.softmax{2 * levels}_blocks.{number}"
        yield from (("neck.linear", "output_layer.1"), ("neck.bn_out", "output_layer.2"))

    def unused(self, spec: AttentionNetSpec, shapes: Shapes) -> dict[str, tuple[int, ...]]:  # type: ignore[override]
        """The shortcut of every unit inside a module, and of the last two units."""
        widths = {place: width for place, _, width in self._modules(spec)}
        last = sum(spec.modules) + 5
        widths |= {last: 2048, last - 1: 2048}
        keys = (f"{theirs}.conv4.weight" for _, theirs in self._units(spec))
        inside = ((key, widths.get(int(key.split(".")[1]))) for key in keys)
        return {key: (width, width, 1, 1) for key, width in inside if width is not None}

    @staticmethod
    def _modules(spec: AttentionNetSpec) -> Iterator[tuple[int, int, int]]:
        """(place in the body, levels, width) of each attention module."""
        place = 0
        for count, levels, width in zip(spec.modules, (3, 2, 1), (256, 512, 1024), strict=True):
            for _ in range(count):
                place += 1
                yield place, levels, width
            place += 1

    def _units(self, spec: AttentionNetSpec) -> Iterator[tuple[str, str]]:
        modules = {place: levels for place, levels, _ in self._modules(spec)}
        for place in range(sum(spec.modules) + 6):
            ours, theirs = f"body.{place}", f"attention_body.{place}"
            if place not in modules:
                yield ours, theirs
                continue
            levels = modules[place]
            yield from ((f"{ours}.first", f"{theirs}.first_residual_blocks"), (f"{ours}.last", f"{theirs}.last_blocks"))
            yield from ((f"{ours}.trunk.{i}", f"{theirs}.trunk_branches.{i}") for i in (0, 1))
            for i in range(levels - 1):
                yield f"{ours}.down.{i}", f"{theirs}.softmax{i + 1}_blocks"
                yield f"{ours}.skip.{i}", f"{theirs}.skip{i + 1}_connection_residual_block"
                yield f"{ours}.up.{i}", f"{theirs}.softmax{2 * levels - 1 - i}_blocks"
            for i in (0, 1):  # the lowest level
                yield f"{ours}.down.{levels - 1 + i}", f"{theirs}.softmax{levels}_blocks.{i}"
