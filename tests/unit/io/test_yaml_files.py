"""YAML from outside: small texts that expand without end are refused at once, plain ones are read as before."""

import glob

import pytest
import yaml

from facezoo.errors import CheckpointError, DataError
from facezoo.io.yaml_files import MAX_ALIASED, MAX_DEPTH, load_yaml
from facezoo.weights.index import parse_entry


def chain(first, line, levels=12):
    """``levels`` lines, each of which uses the value of the one before ten times."""
    uses = [", ".join([f"*n{level}"] * 10) for level in range(levels)]
    return f"n0: &n0 {first}\n" + "".join(line.format(n=level + 1, uses=use) for level, use in enumerate(uses))


BOMBS = {
    "aliases": (chain("[x, x]", "n{n}: &n{n} [{uses}]\n"), "aliases stand for more than 10,000 values"),
    "merge keys": (chain("{a: 1, b: 2}", "n{n}: &n{n}\n  <<: [{uses}]\n"), "aliases stand for more than 10,000 values"),
    "keys": (chain("{a: 1}", "n{n}: &n{n} {{a: 1, b: [{uses}]}}\n"), "aliases stand for more than 10,000 values"),
    "brackets": ("[" * 200_000, "nested more than 64 levels"),
    "indentation": ("".join(f"{' ' * level}a:\n" for level in range(2000)), "nested more than 64 levels"),
    "a value in itself": ("a: &a [*a]", "before its value or inside it"),
    "an impossible date": ("a: 2020-99-99", "month must be in 1..12"),
    "an object": ("a: !!python/object/apply:os.getcwd []", "could not determine a constructor"),
    "a list as key": ("? [1]\n: 2", "unhashable|found unhash"),
    "an integer of 10,000 digits": ("a: " + "9" * 10_000, "digits"),
    "a control character": ("a: \x00", "control characters"),
    "an open quote": ("a: '", "not YAML"),
}


@pytest.mark.parametrize("text, words", BOMBS.values(), ids=BOMBS)
def test_a_hostile_text_is_refused_in_one_short_line(text, words):
    with pytest.raises(DataError, match=words) as caught:
        load_yaml(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("text", [text for text, _ in BOMBS.values()], ids=BOMBS)
def test_an_entry_of_the_index_refuses_it_with_the_name_of_the_file(text):
    with pytest.raises(CheckpointError, match=r"^bad\.yaml: not YAML"):
        parse_entry(text, "bad.yaml")


def test_limits_allow_what_people_write():
    assert load_yaml("a: &a {x: 1}\nb:\n  <<: *a\n  y: 2") == {"a": {"x": 1}, "b": {"x": 1, "y": 2}}
    assert load_yaml("a: &a 1\nb: [*a, *a]") == {"a": 1, "b": [1, 1]}
    assert load_yaml("") is None
    assert len(load_yaml("- 1\n" * (3 * MAX_ALIASED))) == 3 * MAX_ALIASED
    assert str(load_yaml("[" * MAX_DEPTH + "1" + "]" * MAX_DEPTH)).count("[") == MAX_DEPTH


def test_the_index_and_the_recipes_read_as_before():
    files = glob.glob("weights_index/*.yaml") + glob.glob("zoo_configs/*.yaml")
    assert files
    for file in files:
        with open(file, encoding="utf-8") as opened:
            text = opened.read()
        assert load_yaml(text) == yaml.safe_load(text)


@pytest.mark.parametrize("text", [text for text, _ in BOMBS.values()], ids=BOMBS)
def test_protocols_configs_and_data_sets_refuse_it(text, tmp_path):
    from facezoo.datasets.catalogue import parse_entry as parse_data_set
    from facezoo.errors import ConfigError, ProtocolError
    from facezoo.evaluation.protocols.protocol import load_protocol
    from facezoo.training.config_file import load_config

    file = tmp_path / "bad.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ProtocolError, match="not YAML"):
        load_protocol(file)
    with pytest.raises(ConfigError, match="is not YAML"):
        load_config(file)
    with pytest.raises(DataError, match=r"^bad\.yaml: not YAML"):
        parse_data_set(text, "bad.yaml")
