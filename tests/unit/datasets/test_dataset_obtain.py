"""Fetching a data set: terms are accepted once; files come from an address, by hand, or from the offline folder."""

import hashlib
import io
import json
import sys

import pytest
from faulty_server import BODY, serve, status

from facezoo.cli.main import main
from facezoo.datasets import catalogue, obtain
from facezoo.datasets.obtain import chosen_files, default_folder
from facezoo.datasets.schema import DataSet
from facezoo.download import Options, terms
from facezoo.errors import DataError, DownloadError, UnknownNameError

SHA256 = hashlib.sha256(BODY).hexdigest()
QUICK = Options(backoff=0.0, reserve=0, sleep=lambda seconds: None)


def entry_of(*files, name="toy"):
    return DataSet(
        name=name,
        title="Toy",
        purpose=("training",),
        identities=2,
        images=4,
        figures="f",
        home="unknown",
        terms="Be  kind.",
        obtained="direct" if files else "form",
        how="Ask nicely.",
        files=files,
        layout="l",
        importer="folder",
        paper="p",
    )


@pytest.fixture
def toy(server, monkeypatch):
    direct = {"name": "a.tar", "holds": "images", "urls": (server.url("/a", serve()),), "sha256": SHA256}
    by_hand = {"name": "b.zip", "holds": "labels", "page": "http://example.org/b", "md5": "0" * 32}
    extra = {"name": "c.txt", "holds": "more", "urls": (server.url("/c", serve()),), "optional": True}
    entry = entry_of(direct, by_hand, extra)
    monkeypatch.setattr(catalogue, "load_index", lambda: {"toy": entry})
    return entry


def test_files_with_and_without_an_address(toy, tmp_path):
    got = obtain(toy, tmp_path / "out", chosen_files(toy, [], False), options=QUICK)
    assert [path.name for path in got.present] == ["a.tar"]
    (line,) = got.missing
    assert "download b.zip, labels, from http://example.org/b and put it at" in line
    assert "md5 000" in line


def test_a_file_put_there_by_hand_is_checked(toy, tmp_path):
    (tmp_path / "b.zip").write_bytes(BODY)
    with pytest.raises(DownloadError, match=r"has md5 .*download it again"):
        obtain(toy, tmp_path, chosen_files(toy, ["b.zip"], False), options=QUICK)


def test_choice_of_files(toy):
    assert [file.name for file in chosen_files(toy, [], True)] == ["a.tar", "b.zip", "c.txt"]
    with pytest.raises(UnknownNameError, match=r"did you mean 'c\.txt'"):
        chosen_files(toy, ["c.tst"], False)


def test_without_files_the_steps_are_printed(tmp_path):
    assert "Ask nicely." in obtain(entry_of(), tmp_path, []).missing[0]


def test_terms_are_accepted_once_and_again_when_they_change():
    with pytest.raises(DataError, match=r"not accepted yet: Be kind\."):
        terms.require("toy", "Be  kind.", yes=False)
    terms.require("toy", "Be  kind.", yes=True)
    terms.require("toy", "Be  kind.", yes=False)
    with pytest.raises(DataError):
        terms.require("toy", "Be kind and careful.", yes=False)


def test_command(toy, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert main(["datasets", "download", "toy"]) == 2
    error = capsys.readouterr().err
    assert error.index("1 of 2 files need a browser and are not downloaded: b.zip") < error.index(
        "terms of toy are not"
    )
    assert main(["datasets", "download", "toy", "--yes", "--quiet", "--file", "a.tar"]) == 0
    said = capsys.readouterr()
    assert "Terms of toy: Be kind." in said.err
    assert str(default_folder("toy") / "a.tar") in said.out
    assert main(["datasets", "download", "toy", "--quiet", "--json"]) == 2  # accepted before; b.zip is by hand
    found = json.loads(capsys.readouterr().out)
    assert len(found["present"]) == 1
    assert len(found["by_hand"]) == 1


def test_command_with_a_dead_server(server, monkeypatch, capsys, tmp_path):
    entry = entry_of({"name": "a", "holds": "x", "urls": (server.url("/a", status(404)),), "sha256": SHA256})
    monkeypatch.setattr(catalogue, "load_index", lambda: {"toy": entry})
    assert main(["datasets", "download", "toy", "--yes", "--quiet", "--out", str(tmp_path / "o")]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("facezoo: cannot fetch a: http://127.0.0.1")
    assert "HTTP 404" in error
    assert f"To add it by hand, put it at {tmp_path}/o/a" in error


def test_list_and_info(capsys):
    assert main(["datasets", "list", "--purpose", "masks"]) == 0
    assert "mfr2" in capsys.readouterr().out
    assert main(["datasets", "list", "--json"]) == 0
    assert {"lfw", "ijb-c"} <= {entry["name"] for entry in json.loads(capsys.readouterr().out)}
    assert main(["datasets", "info", "IJB_C"]) == 0
    assert "NIST ended the distribution" in capsys.readouterr().out
    assert main(["datasets", "list", "--purpose", "mask"]) == 2
    assert "did you mean 'masks'" in capsys.readouterr().err
