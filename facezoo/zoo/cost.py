"""What a backbone costs: parameters, multiply-adds, bytes; counted once, listed without a framework.

``python -m facezoo.zoo.cost`` measures the whole catalog on shapes only and rewrites ``zoo/costs.txt``.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

from facezoo import backends
from facezoo.canonical.state import parameter_count
from facezoo.errors import ConfigError
from facezoo.io.files import atomic_write
from facezoo.specs.base import BackboneSpec
from facezoo.zoo import catalog

TABLE = Path(__file__).with_name("costs.txt")


@dataclass(frozen=True)
class Cost:
    """What a network costs.

    Attributes:
        parameters: trained values, running statistics left out.
        multiply_adds: of convolutions, linear layers and attention products, for one image; BN, activations, pooling
            and biases do not count. Many papers print this number as FLOPs, others print twice it.
    """

    parameters: int
    multiply_adds: int

    @property
    def megabytes(self) -> float:
        """Size of the weights in float32, 10**6 bytes."""
        return self.parameters * 4 / 1e6


def cost(spec: BackboneSpec) -> Cost | None:
    """The cost of a network: from the table where it has the catalog's default options, else measured.

    Returns:
        None when it is not in the table and torch, which measures, is not installed.

    >>> cost(catalog.backbone_spec("MobileFaceNet")).parameters
    1200512
    """
    if catalog.BACKBONES.get(spec.name) == spec and spec.name in _table():
        return _table()[spec.name]
    return measure(spec) if "torch" in backends.available() else None


def quantity(text: str) -> int:
    """A number with an optional k, M or G.

    Raises:
        ConfigError: it is not a number above 0.

    >>> quantity("2.5M")
    2500000
    """
    scale = {"k": 10**3, "m": 10**6, "g": 10**9}.get(text[-1:].lower(), 1)
    try:
        value = int(float(text if scale == 1 else text[:-1]) * scale)
    except (ValueError, OverflowError):
        value = 0
    if value < 1:
        raise ConfigError(f"{text!r} is not a quantity; expected a number above 0 as 5000000, 800k, 5M or 1.5G")
    return value


def measure(spec: BackboneSpec) -> Cost:
    """Count on shapes only; nothing is computed and no memory is taken.

    Raises:
        BackendUnavailableError: torch is not installed.
    """
    counter = backends.module("torch", "cost")
    outline = backends.module("torch", "introspect").outline(spec)
    return Cost(parameter_count(outline), counter.multiply_adds(spec))


@functools.cache
def _table() -> dict[str, Cost]:
    lines = TABLE.read_text("utf-8").splitlines() if TABLE.is_file() else []
    rows = [line.split() for line in lines if not line.startswith("#")]
    return {name: Cost(int(parameters), int(adds)) for name, parameters, adds in rows}


def write_table() -> None:
    """Measure the whole catalog and rewrite the table."""
    lines = ["# name, parameters, multiply-adds for one image; python -m facezoo.zoo.cost writes this file"]
    for name, spec in sorted(catalog.BACKBONES.items()):
        found = measure(spec)
        lines.append(f"{name} {found.parameters} {found.multiply_adds}")
    with atomic_write(TABLE) as path:
        path.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    write_table()
