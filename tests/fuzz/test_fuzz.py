"""Readers of files from outside on damaged files, briefly; ``fuzz.py`` does it for any length of time."""

import re
from pathlib import Path

import pytest
from fuzz import attempt, fuzz
from readers import READERS

TRIES = 60
FOUND = sorted((Path(__file__).parent / "corpus").iterdir())  # READER-NUMBER-FILE, as fuzz.py writes its findings


@pytest.mark.parametrize("name", READERS)
def test_damaged_files_raise_only_errors_of_facezoo(name, seed):
    found = fuzz(name, seed=seed, tries=TRIES)
    assert found.tried == TRIES
    assert not found.bad, "\n".join(text for text, _, _ in found.bad.values())


@pytest.mark.parametrize("found", FOUND, ids=lambda path: path.name)
def test_earlier_findings_are_fixed(found, tmp_path):
    name, file = re.fullmatch(r"(.+)-\d+-(.+)", found.name).groups()
    reader = READERS[name.replace("-", " ")]
    reader.make(tmp_path)
    (target,) = [path for path in tmp_path.rglob(file) if path.is_file()]
    target.write_bytes(found.read_bytes())
    assert attempt(reader, tmp_path) is not None, "it was read without an error"


def test_the_search_finds_other_errors(monkeypatch):
    def careless(folder):
        if (folder / "t.txt").read_bytes().count(b" ") != 4:
            raise KeyError("not ours")

    reader = READERS["ijb pairs"]
    monkeypatch.setitem(READERS, "ijb pairs", type(reader)(("t.txt",), reader.make, careless))
    found = fuzz("ijb pairs", seed=1, tries=200)
    assert any(what.startswith("KeyError") for what in found.bad)
