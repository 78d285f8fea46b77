"""The message for an unknown name: short, whatever the length of the table."""

from __future__ import annotations

from facezoo.errors import UnknownNameError

MANY = [f"recipe_{number}" for number in range(40)] + ["adaface_ms1mv2_r50", "adaface_ms1mv2_r100"]


def test_a_close_name_is_offered():
    assert str(UnknownNameError("recipe", "adaface_ms1mv2_r5", MANY)) == (
        "unknown recipe 'adaface_ms1mv2_r5'; did you mean 'adaface_ms1mv2_r50'? (42 known)"
    )


def test_of_many_names_the_nearest_five_are_shown():
    message = str(UnknownNameError("recipe", "mv2_r1", MANY))
    assert message.startswith("unknown recipe 'mv2_r1'; the nearest of 42: adaface_ms1mv2_r100")
    assert message.count(", ") == 4


def test_few_names_are_all_shown():
    assert str(UnknownNameError("neck", "xyz", ["E", "GAP"])) == "unknown neck 'xyz'; known: E, GAP"
    assert str(UnknownNameError("neck", "xyz", [])) == "unknown neck 'xyz'; known: none"
