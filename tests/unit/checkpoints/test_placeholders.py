"""Arguments of a training script inside a checkpoint do not stand in the way of its tensors, and stay inert."""

import argparse
import os
import pathlib
import pickle
import zipfile

import pytest

from facezoo.checkpoints.readers import read_tree
from facezoo.errors import CheckpointError, FacezooError, UnsafeFileError

torch = pytest.importorskip("torch")


def arguments(**more):
    return argparse.Namespace(lr=0.1, out=pathlib.PurePosixPath("/runs/1"), device=torch.device("cuda", 0), **more)


@pytest.mark.parametrize("new, protocol", [(True, 2), (True, 4), (False, 2)])
def test_tensors_beside_arguments_are_read(tmp_path, new, protocol):
    path = tmp_path / "run.pth"
    paths = [pathlib.Path("a/b"), pathlib.PureWindowsPath("c:/d")]
    content = {"state_dict": {"a": torch.arange(4.0)}, "args": arguments(nested=arguments()), "paths": paths}
    torch.save(
        {**content, "device": torch.device("cpu")}, path, pickle_protocol=protocol, _use_new_zipfile_serialization=new
    )
    tree = read_tree(path)
    assert tree["state_dict"]["a"].tolist() == [0, 1, 2, 3]
    assert tree["args"] == {}
    assert tree["device"] == "<torch.device>"
    assert tree["paths"] == [f"<pathlib.{type(paths[0]).__name__}>", "<pathlib.PureWindowsPath>"]


@pytest.mark.parametrize("protocol", [2, 4])
def test_tensors_of_paddle_beside_arguments_are_read(tmp_path, protocol):
    paddle = pytest.importorskip("paddle")
    paths = [pathlib.Path("a/b"), pathlib.PureWindowsPath("c:/d")]
    args = argparse.Namespace(lr=0.1, out=pathlib.PurePosixPath("/runs/1"), nested=argparse.Namespace(x=1))
    content = {"state_dict": {"a": paddle.arange(4, dtype="float32")}, "args": args, "paths": paths}
    paddle.save(content, str(tmp_path / "run.pdparams"), protocol=protocol)
    tree = read_tree(tmp_path / "run.pdparams")
    assert tree["state_dict"]["a"].tolist() == [0, 1, 2, 3]
    assert tree["args"] == {}
    assert tree["paths"] == [f"<pathlib.{type(paths[0]).__name__}>", "<pathlib.PureWindowsPath>"]


class Runs:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


class Other:
    """Pickled as Namespace is: made without arguments, then given attributes."""


@pytest.mark.parametrize("kind", [Runs, lambda marker: Other()], ids=["a call", "another class"])
@pytest.mark.parametrize("new", [True, False], ids=["zip", "legacy"])
def test_a_namespace_hides_nothing(tmp_path, kind, new):
    marker = tmp_path / "ran"
    torch.save({"args": arguments(x=kind(marker))}, tmp_path / "x.pth", _use_new_zipfile_serialization=new)
    with pytest.raises(UnsafeFileError, match="nothing of it was run"):
        read_tree(tmp_path / "x.pth")
    assert not marker.exists()


def test_a_namespace_of_paddle_hides_nothing(tmp_path):
    marker = tmp_path / "ran"
    with (tmp_path / "x.pdparams").open("wb") as file:
        pickle.dump({"args": argparse.Namespace(x=Runs(marker))}, file, protocol=2)
    with pytest.raises(UnsafeFileError, match="nothing of it was run"):
        read_tree(tmp_path / "x.pdparams")
    assert not marker.exists()


CRAFTED = {
    "a list as class": (b"\x80\x02])\x81.", UnsafeFileError, "makes an object of"),
    "a namespace with arguments": (b"\x80\x02cargparse\nNamespace\nK\x01\x85\x81.", UnsafeFileError, "makes an object"),
    "a namespace that is called": (
        b"\x80\x02cargparse\nNamespace\nK\x01\x85R.",
        CheckpointError,
        "not a readable pickle",
    ),
    "the name itself": (b"\x80\x02cargparse\nNamespace\n.", UnsafeFileError, "expected plain values"),
    "an ordered dict as class": (b"\x80\x02ccollections\nOrderedDict\n)\x81.", UnsafeFileError, "makes an object"),
    "attributes of a path": (b"\x80\x02cpathlib\nPosixPath\n)R}b.", UnsafeFileError, "sets attributes"),
    "attributes of the name": (b"\x80\x02ctorch\ndevice\n}b.", UnsafeFileError, "sets attributes"),
}


@pytest.mark.parametrize("pickled, error, words", CRAFTED.values(), ids=CRAFTED)
def test_crafted_pickles_are_refused(tmp_path, pickled, error, words):
    with zipfile.ZipFile(tmp_path / "x.pth", "w") as archive:
        archive.writestr("x/data.pkl", pickled)
        archive.writestr("x/version", "3")
    with pytest.raises(error, match=words):
        read_tree(tmp_path / "x.pth")


def test_a_path_of_a_long_text_takes_no_memory(tmp_path):
    """One text, named by ten thousand paths: the placeholders are one object."""
    text = pickle.dumps("x" * 1_000_000, protocol=2)[2:-1]
    head = b"\x80\x02(cpathlib\nPosixPath\nq\x07" + text + b"\x85q\x08"
    with zipfile.ZipFile(tmp_path / "x.pth", "w") as archive:
        archive.writestr("x/data.pkl", head + b"R" + b"h\x07h\x08R" * 10_000 + b"l.")
        archive.writestr("x/version", "3")
    try:
        tree = read_tree(tmp_path / "x.pth")
    except FacezooError:
        return
    assert len({id(item) for item in tree}) == 1
