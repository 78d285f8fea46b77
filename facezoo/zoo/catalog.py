"""The explicit tables: public name -> spec of a backbone, public name -> margin of a head.

A new member is one line here, beside its own files.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from facezoo.errors import UnknownNameError
from facezoo.margins.base import Margin
from facezoo.specs.base import BackboneSpec
from facezoo.zoo.option_types import check_types

T = TypeVar("T")


def _table(families: Iterable[tuple[BackboneSpec, ...]]) -> dict[str, BackboneSpec]:
    table: dict[str, BackboneSpec] = {}
    for spec in (spec for family in families for spec in family):
        if spec.name in table:
            raise ValueError(f"two backbones are called {spec.name!r}")
        table[spec.name] = spec
    return table


# family -> SPECS of facezoo/specs/FAMILY.py
BACKBONES: dict[str, BackboneSpec] = _table(
    importlib.import_module(f"facezoo.specs.{family}").SPECS
    for family in (
        "ir",
        "mobilefacenet",
        "mobilenetv1",
        "mobilenetv2",
        "mobilenetv3",
        "ghostnet",
        "shufflenetv1",
        "shufflenetv2",
        "efficientnet",
        "densenet",
        "dpn",
        "lightcnn",
        "resnet",
        "attentionnet",
        "hrnet",
        "lightsenet",
        "repvgg",
        "resnest",
        "rexnet",
        "swin",
        "tfnas",
        "vit",
    )
)


def _margin(name: str) -> type[Margin]:
    return getattr(importlib.import_module(f"facezoo.margins.{name.lower()}"), f"{name}Margin")


# public name, which is the native class's; its margin is NAMEMargin in facezoo/margins/name.py
HEADS: dict[str, type[Margin]] = {
    name: _margin(name)
    for name in (
        "Softmax",
        "Focal",
        "SphereFace",
        "CosFace",
        "AMSoftmax",
        "ArcFace",
        "CombinedMargin",
        "SubCenterArcFace",
        "AdaCos",
        "AdaMSoftmax",
        "ArcNegFace",
        "CircleLoss",
        "CurricularFace",
        "MVSoftmax",
        "SVSoftmax",
        "NPCFace",
        "MagFace",
        "AdaFace",
        "ElasticFace",
        "SFace",
        "UniFace",
        "ClassBalanced",
        "Center",
        "Triplet",
        "IntraClassAngle",
        "RegularFace",
        "UniformFace",
    )
}
# further public names -> a head's name and hyper-parameters
HEAD_ALIASES: dict[str, tuple[str, Mapping[str, Any]]] = {
    alias: (name, hyper) for name, margin in HEADS.items() for alias, hyper in margin.aliases.items()
}


def _letters(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())


def _find(kind: str, name: str, table: Mapping[str, T]) -> T:
    """Look ``name`` up; case, hyphens, underscores and spaces do not matter."""
    if name in table:
        return table[name]
    same = [key for key in table if _letters(key) == _letters(str(name))]
    if len(same) != 1:
        raise UnknownNameError(kind, name, table)
    return table[same[0]]


def backbone_name(name: str) -> str:
    """The public name of a backbone, however it is written.

    Raises:
        UnknownNameError: no such backbone.

    >>> backbone_name("mobile-facenet")
    'MobileFaceNet'
    """
    return _find("backbone", name, {key: key for key in BACKBONES})


def head_name(name: str) -> str:
    """The public name of a head, or an alias of one, however it is written.

    Raises:
        UnknownNameError: no such head.
    """
    return _find("head", name, {key: key for key in (*HEADS, *HEAD_ALIASES)})


def backbone_spec(name: str, **options: Any) -> BackboneSpec:
    """The spec of a public name with options.

    Raises:
        UnknownNameError: no such backbone or option; the message gives the nearest name.
        ConfigError: a value is out of range or of another type.

    >>> backbone_spec("IR50").parameters
    43574976
    """
    spec = _find("backbone", name, BACKBONES)
    check_types(spec.name, type(spec), options)
    return spec.variant(**options)


def head_margin(name: str, **hyper: Any) -> Margin:
    """The margin of a public name with hyper-parameters.

    Raises:
        UnknownNameError: no such head or hyper-parameter; the message gives the nearest name.
        ConfigError: a value is out of range or of another type.

    >>> head_margin("ArcFace").scale
    64.0
    """
    names = {**{key: (key, {}) for key in HEADS}, **HEAD_ALIASES}
    found, given = _find("head", name, names)
    check_types(found, HEADS[found], hyper)
    return HEADS[found].create(**{**given, **hyper})


def list_backbones() -> list[str]:
    """Public names of all backbones."""
    return list(BACKBONES)


def list_heads() -> list[str]:
    """Public names of all heads."""
    return list(HEADS)
