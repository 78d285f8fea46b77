"""Readers of outside bytes, given damaged files for a moment; ``fuzz.py`` does it for as long as one likes."""

import pytest
from fuzz import fuzz
from readers import READERS

TRIES = 60


@pytest.mark.parametrize("name", READERS)
def test_damaged_files_are_refused_in_our_own_words(name, seed):
    found = fuzz(name, seed=seed, tries=TRIES)
    assert found.tried == TRIES
    assert not found.bad, "\n".join(text for text, _, _ in found.bad.values())


def test_the_search_finds_what_it_looks_for(monkeypatch):
    def careless(folder):
        if (folder / "t.txt").read_bytes().count(b" ") != 4:
            raise KeyError("not ours")

    reader = READERS["ijb pairs"]
    monkeypatch.setitem(READERS, "ijb pairs", type(reader)(("t.txt",), reader.make, careless))
    found = fuzz("ijb pairs", seed=1, tries=200)
    assert any(what.startswith("KeyError") for what in found.bad)
