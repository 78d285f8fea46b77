"""Options of wrong types end in ConfigError with the option's name, for every network and every loss."""

import dataclasses
import functools

import numpy as np
import pytest

from facezoo.errors import ConfigError, FacezooError
from facezoo.zoo import catalog

ODD = ("abc", "1", [1], [], {"a": 1}, True, float("nan"), float("inf"), -1, 1e30, None, b"x", ["a", "b"])
FAMILIES = {spec.family: name for name, spec in catalog.BACKBONES.items()}


def refusal(make, key, value):
    """What is said against a value, or None; any other error passes."""
    try:
        make(**{key: value})
    except FacezooError as error:
        return str(error)
    return None


@pytest.mark.parametrize("name", FAMILIES.values())
def test_networks_take_their_options_or_say_why_not(name):
    spec = catalog.BACKBONES[name]
    for key in (*spec.COMMON, *spec.OPTIONS):
        for value in ODD:
            said = refusal(functools.partial(catalog.backbone_spec, name), key, value)
            assert said is None or key in said or repr(value) in said, said


@pytest.mark.parametrize("name", catalog.HEADS)
def test_losses_take_their_options_or_say_why_not(name):
    for entry in dataclasses.fields(catalog.HEADS[name]):
        for value in ODD:
            said = refusal(functools.partial(catalog.head_margin, name), entry.name, value)
            assert said is None or entry.name in said or repr(value) in said, said


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: catalog.head_margin("ArcFace", margin="0.5"), "ArcFace: margin is '0.5'; expected a number"),
        (lambda: catalog.head_margin("ArcFace", scale=float("nan")), "scale is nan; expected a number"),
        (lambda: catalog.backbone_spec("IR50", embedding_size=64.0), "embedding_size is 64.0; expected an integer"),
        (lambda: catalog.backbone_spec("IR50", input_size=[64]), r"input_size is \[64\]; expected a list of integers"),
        (lambda: catalog.backbone_spec("IR50", checkpointing="yes"), "expected true or false"),
        (lambda: catalog.backbone_spec("IR50", bn_eps=0.0), "bn_eps is 0.0; expected above 0"),
        (lambda: catalog.backbone_spec("IR50", bn_momentum=2.0), "bn_momentum is 2.0; expected 0 to 1"),
    ],
)
def test_messages(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_what_stands_for_the_same_is_taken():
    assert catalog.backbone_spec("IR50", input_size=64).input_size == (64, 64)
    assert catalog.backbone_spec("IR50", input_size=[96, 64], dropout=0).input_size == (96, 64)
    assert catalog.head_margin("ArcFace", margin=np.float64(0.4), scale=32).margin == 0.4
    assert catalog.head_margin("ClassBalanced", class_counts=np.array([3, 4])) is not None
