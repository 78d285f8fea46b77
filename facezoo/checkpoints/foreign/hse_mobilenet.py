"""MobileNetV1 of HSE_FaceRec_tf: TensorFlow kernels with the BN already folded in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from facezoo.canonical.leaf import Leaf
from facezoo.checkpoints.foreign.base import Entry, Found, Layout, Shapes
from facezoo.specs.base import BackboneSpec
from facezoo.specs.mobilenetv1 import MobileNetV1Spec


class HSEMobileNet(Layout):
    """``conv1.{kernel,offset}``, ``dwN.{kernel,scale,offset}``, ``pwN.{kernel,offset}``.

    Kernels are (h, w, in, out), depthwise ones (h, w, channels, 1). A folded BN becomes one with mean 0 and
    variance 1 - eps, which divides by exactly 1.
    """

    family = "mobilenetv1"
    projects = ("hse",)

    def recognise(self, shapes: Shapes) -> Found | None:
        """Recognised by ``dw1.scale`` and ``pw13.kernel``."""
        if not {"conv1.kernel", "dw1.scale", "pw13.kernel"} <= set(shapes):
            return None
        return Found("MobileNetV1", {"input_size": 224, "stem": "imagenet", "neck": "pool", "embedding_size": 1024})

    def layers(self, spec: BackboneSpec) -> Iterator[tuple[str, str]]:
        """In these files a convolution and its BN are one layer."""
        assert isinstance(spec, MobileNetV1Spec)
        yield "stem", "conv1"
        for number in range(len(spec.rows)):
            yield f"blocks.{number}.depthwise", f"dw{number + 1}"
            yield f"blocks.{number}.pointwise", f"pw{number + 1}"

    def entries(self, found: Found, leaves: Iterable[Leaf]) -> list[Entry]:
        """Kernels, scales and offsets; statistics and the weights of folded norms are constants without a key."""
        theirs = dict(self.layers(found.spec()))
        entries = []
        for item in leaves:
            owner, part = item.name.removesuffix(f".{item.entry}").rsplit(".", 1)
            name = {"weight": "kernel"} if part == "conv" else {"bias": "offset"}
            if part == "bn" and owner.endswith("depthwise"):
                name["weight"] = "scale"
            key = f"{theirs[owner]}.{name[item.entry]}" if item.entry in name else ""
            entries.append(Entry(item, key, False))
        return entries

    def convert(self, entry: Entry, value: np.ndarray) -> np.ndarray:
        """Kernels to (out, in, h, w)."""
        if value.ndim != 4:
            return value
        return value.transpose((2, 3, 0, 1) if entry.key.startswith("dw") else (3, 2, 0, 1))

    def constant(self, entry: Entry, spec: BackboneSpec) -> np.ndarray:
        """The value of an entry of a folded norm."""
        value = {"weight": 1.0, "running_mean": 0.0, "running_var": 1.0 - spec.bn_eps}[entry.leaf.entry]
        return np.full(entry.leaf.shape, value, np.float32)
