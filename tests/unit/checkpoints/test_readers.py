"""Files from outside are read without executing code in them; wrong sizes and offsets are refused."""

import contextlib
import io
import os
import pickle
import random
import zipfile

import numpy as np
import pytest
from safetensors.numpy import save_file

from facezoo.checkpoints.readers import read_tree
from facezoo.errors import CheckpointError, FacezooError, UnsafeFileError

torch = pytest.importorskip("torch")


class Runs:
    """Writes a file when unpickled without care."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


class Opens(Runs):
    def __reduce__(self):
        return open, (str(self.marker), "w")


class Evaluates(Runs):
    def __reduce__(self):
        return eval, (f"open({str(self.marker)!r}, 'w')",)


class Nested(Runs):
    def __reduce__(self):
        return tuple, ([Runs(self.marker)],)


class Getattr(Runs):
    def __reduce__(self):
        return getattr, (str(self.marker), "upper")


WAYS = [Runs, Opens, Evaluates, Nested, Getattr]


def torch_zip(path, pickled, storages=(), root="archive"):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{root}/data.pkl", pickled)
        archive.writestr(f"{root}/version", "3")
        for key, data in storages:
            archive.writestr(f"{root}/data/{key}", data)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("place", ["root", "value", "key beside tensors"])
@pytest.mark.parametrize("kind", ["zip", "legacy", "paddle", "bin"])
def test_code_in_a_pickle_is_refused_and_does_not_run(tmp_path, way, place, kind):
    marker, path = tmp_path / "ran", tmp_path / f"weights.{kind}"
    evil = way(marker)
    tree = {"root": evil, "value": {"state_dict": {"a": [evil]}}, "key beside tensors": {"w": torch.ones(2), "x": evil}}
    tree = tree[place]
    if kind in ("zip", "bin"):
        torch.save(tree, path)
    elif kind == "legacy":
        torch.save(tree, path, _use_new_zipfile_serialization=False)
    else:
        if isinstance(tree, dict):
            tree = {key: np.ones(2) if key == "w" else value for key, value in tree.items()}
        path.write_bytes(pickle.dumps(tree, protocol=4))
    with pytest.raises(UnsafeFileError):
        read_tree(path)
    assert not marker.exists()


@pytest.mark.parametrize(
    "pickled, message",
    [
        (b"\x80\x02c__builtin__\neval\nX\x08\x00\x00\x00__import\x85R.", "eval"),
        (b"\x80\x02ccollections\nOrderedDict\n}X\x01\x00\x00\x00ab.", "sets attributes of a dict"),
        (b"\x80\x02c_codecs\nencode\n}X\x0c\x00\x00\x00__defaults__)sb.", "sets attributes of"),
        (b"\x80\x02\x82\x01.", "opcode"),
        (b"\x80\x02X\x03\x00\x00\x00abcQ.", "refers to the string 'abc'"),
        (b"\x80\x02r\xff\xff\xff\x7f.", "not a readable pickle"),
        (b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7f.", "cut off"),
        (b"\x80\x02" + b"(" * 50000 + b".", "not a readable pickle"),
    ],
)
def test_crafted_pickles_fail_cleanly(tmp_path, pickled, message):
    (tmp_path / "a.pdparams").write_bytes(pickled)
    with pytest.raises(FacezooError, match=message):
        read_tree(tmp_path / "a.pdparams")


def test_shared_containers_are_not_expanded(tmp_path):
    tree = [1]
    for _ in range(200):
        tree = [tree, tree]
    (tmp_path / "a.pdparams").write_bytes(pickle.dumps(tree, protocol=4))
    assert isinstance(read_tree(tmp_path / "a.pdparams"), list)


def tensor_pickle(size, stride, offset=0, count=4):
    class Rebuild:
        def __reduce__(self):
            return torch._utils._rebuild_tensor_v2, (Stored(), offset, size, stride, False, None)

    class Stored:
        pass

    class Writer(pickle.Pickler):
        def persistent_id(self, item):
            return ("storage", torch.FloatStorage, "0", "cpu", count) if isinstance(item, Stored) else None

    buffer = io.BytesIO()
    Writer(buffer, protocol=2).dump({"w": Rebuild()})
    return buffer.getvalue()


@pytest.mark.parametrize(
    "size, stride, offset, count, error",
    [
        ((2, 2), (2, 1), 0, 4, None),
        ((2, 2), (1, 2), 0, 4, None),
        ((2, 2), (2, 1), 1, 4, UnsafeFileError),  # one past the end
        ((2, 2), (1 << 40, 1), 0, 4, UnsafeFileError),
        ((1 << 30,), (0,), 0, 4, UnsafeFileError),  # one element repeated
        ((2, 2), (2, -1), 0, 4, UnsafeFileError),
        ((2, 2), (2, 1), -1, 4, UnsafeFileError),
        ((2, 2), (2,), 0, 4, UnsafeFileError),
        ((1 << 2000,) * 1000, (1,) * 1000, 0, 4, UnsafeFileError),
        (tuple([1] * 33), tuple([1] * 33), 0, 4, UnsafeFileError),
        ((1 << 60,), (1,), 0, 4, UnsafeFileError),
        ((2, 2), (2, 1), 0, 5, CheckpointError),  # states more than the member holds
    ],
)
def test_tensors_stay_inside_their_storage(tmp_path, size, stride, offset, count, error):
    values = np.arange(4, dtype=np.float32)
    torch_zip(tmp_path / "a.pt", tensor_pickle(size, stride, offset, count), [("0", values.tobytes())])
    if error is None:
        want = torch.as_strided(torch.from_numpy(values), size, stride).numpy()
        assert np.array_equal(read_tree(tmp_path / "a.pt")["w"], want)
    else:
        with pytest.raises(error):
            read_tree(tmp_path / "a.pt")


def nested(depth=60):
    value = ()
    for _ in range(depth):
        value = (value, value)
    return value


def test_many_tensors_over_one_storage_stay_in_proportion_to_the_file(tmp_path):
    storage = torch.zeros(100_000)
    torch.save([torch.as_strided(storage, (100_000,), (1,)) for _ in range(200)], tmp_path / "a.pt")
    with pytest.raises(UnsafeFileError, match=r"a\.pt: its arrays take more than"):
        read_tree(tmp_path / "a.pt")
    tied = {"a": storage, "b": storage[:], "c": storage.view(100, 1000)}
    torch.save(tied, tmp_path / "b.pt")
    assert {name: value.shape for name, value in read_tree(tmp_path / "b.pt").items()} == {
        name: tuple(value.shape) for name, value in tied.items()
    }


@pytest.mark.parametrize("where", ["protocol", "keys", "key", "count"])
def test_legacy_files_do_not_expand_nested_values(tmp_path, where):
    from facezoo.checkpoints.readers.torch_legacy import MAGIC

    class Stored:
        pass

    class Writer(pickle.Pickler):
        def persistent_id(self, item):
            key, count = (nested() if where == name else value for name, value in (("key", "0"), ("count", 4)))
            return ("storage", torch.FloatStorage, key, "cpu", count) if isinstance(item, Stored) else None

    buffer = io.BytesIO(MAGIC)
    buffer.seek(len(MAGIC))
    pickle.dump(nested() if where == "protocol" else 1001, buffer, protocol=2)
    pickle.dump({"little_endian": True}, buffer, protocol=2)
    Writer(buffer, protocol=2).dump([Stored()] if where in ("key", "count") else [])
    pickle.dump([nested()], buffer, protocol=2)
    (tmp_path / "a.pth").write_bytes(buffer.getvalue())
    with pytest.raises(FacezooError) as caught:
        read_tree(tmp_path / "a.pth")
    assert len(str(caught.value)) < 300


def test_every_type_of_number_reads_as_torch_reads_it(tmp_path):
    types = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.uint8]
    tree = {str(kind): torch.arange(6).reshape(2, 3).to(kind).t() for kind in types}
    tree |= {"flag": torch.tensor([True, False]), "empty": torch.zeros(0, 3), "scalar": torch.tensor(2.5)}
    tree["parameter"] = torch.nn.Parameter(torch.ones(3))
    for legacy in (False, True):
        torch.save({"state_dict": tree, "epoch": 3}, tmp_path / "a", _use_new_zipfile_serialization=not legacy)
        read = read_tree(tmp_path / "a")
        assert read["epoch"] == 3
        for key, value in tree.items():
            want = value.detach().float().numpy() if value.dtype == torch.bfloat16 else value.detach().numpy()
            assert np.array_equal(read["state_dict"][key], want), key


def test_paddle_files_of_all_forms_read(tmp_path):
    array = np.arange(6, dtype=np.float32).reshape(2, 3)

    class Pair:
        def __reduce__(self):
            return tuple, (("name", array),)

    class Dense:
        def __reduce__(self):
            return eval, ("data", {"data": array})

    tree = {"plain": array, "pair": Pair(), "dense": Dense(), "StructuredToParameterName@@": {"plain": "p_0"}}
    tree |= {"fortran": np.asfortranarray(array), "half": array.astype(np.float16)}
    tree["bfloat16"] = (array.view(np.uint32) >> 16).astype(np.uint16)  # as paddle.save writes it
    for protocol in (2, 4):
        (tmp_path / "a").write_bytes(pickle.dumps(tree, protocol=protocol))
        read = read_tree(tmp_path / "a")
        assert set(read) == {"plain", "pair", "dense", "fortran", "half", "bfloat16"}
        assert all(np.array_equal(value, array) for value in read.values())


def test_slices_of_a_large_paddle_array_are_joined(tmp_path):
    array, path = np.arange(6, dtype=np.float32), tmp_path / "a.pdparams"
    tree = {"w@@.0": array[:4], "w@@.1": array[4:]}
    tree["UnpackBigParamInfor@@"] = {"w": {"slices": ["w@@.0", "w@@.1"], "OriginShape": (2, 3)}}
    path.write_bytes(pickle.dumps(tree, protocol=2))
    read = read_tree(path)
    assert list(read) == ["w"]
    assert np.array_equal(read["w"], array.reshape(2, 3))


@pytest.mark.parametrize(("piece", "shape"), [("nested", (2, 3)), (np.zeros(6), "nested"), (np.zeros(6), (1 << 60,))])
def test_slices_that_are_not_arrays_are_refused_at_once(tmp_path, piece, shape):
    nested = [1]
    for _ in range(60):  # NumPy would expand it to 2**60 elements
        nested = [nested, nested]
    tree = {"a": nested if isinstance(piece, str) else piece}
    tree["UnpackBigParamInfor@@"] = {"w": {"slices": ["a"], "OriginShape": nested if shape == "nested" else shape}}
    (tmp_path / "a.pdparams").write_bytes(pickle.dumps(tree, protocol=2))
    with pytest.raises(UnsafeFileError, match=r"a\.pdparams.*(slice of a large array|shape)"):
        read_tree(tmp_path / "a.pdparams")


def test_a_torch_size_is_short(tmp_path):
    """A tuple copied from a list takes memory that the file does not."""
    sides = b"](" + b"K\x01" * 100_000 + b"eq\x01"
    torch_zip(tmp_path / "a.pt", b"\x80\x02" + sides + b"ctorch\nSize\nq\x02h\x01\x85R.")
    with pytest.raises(UnsafeFileError, match=r"a\.pt.*100000 sides"):
        read_tree(tmp_path / "a.pt")


def test_npz_with_objects_and_bombs_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", a=np.array([{"x": 1}], dtype=object))
    with pytest.raises(UnsafeFileError, match="never loaded"):
        read_tree(tmp_path / "a.npz")
    np.savez_compressed(tmp_path / "b.npz", a=np.zeros(3_000_000))
    with pytest.raises(UnsafeFileError, match="times its size"):
        read_tree(tmp_path / "b.npz")
    with zipfile.ZipFile(tmp_path / "c.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({}))
        archive.writestr("archive/data/0", bytes(1_000_000))
    with pytest.raises(UnsafeFileError, match="does not compress"):
        read_tree(tmp_path / "c.pt")


@pytest.mark.parametrize("raw", [b"", b"PK", b"hello world, no weights here", b"GIF89a", b"\x80", bytes(600)])
def test_other_files_are_refused(tmp_path, raw):
    (tmp_path / "a.pth").write_bytes(raw)
    with pytest.raises(CheckpointError):
        read_tree(tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match="no weight file"):
        read_tree(tmp_path / "missing.pth")


def test_damaged_files_raise_our_errors_only(tmp_path):
    seed = 20260101
    print(f"seed {seed}")
    rng, tree = random.Random(seed), {"state_dict": {"w": torch.ones(3, 2), "b": torch.zeros(2)}, "epoch": 1}
    torch.save(tree, tmp_path / "zip")
    torch.save(tree, tmp_path / "legacy", _use_new_zipfile_serialization=False)
    (tmp_path / "paddle").write_bytes(pickle.dumps({"w": np.ones((3, 2)), "b": np.zeros(2)}, protocol=4))
    save_file({"a": np.ones(2, np.float32)}, tmp_path / "safetensors")
    np.savez(tmp_path / "npz.npz", w=np.ones((3, 2)))
    for name in ("zip", "legacy", "paddle", "safetensors", "npz.npz"):
        good = (tmp_path / name).read_bytes()
        for _ in range(150):
            bad = bytearray(good)
            for _ in range(rng.randint(1, 4)):
                bad[rng.randrange(len(bad))] = rng.randrange(256)
            (tmp_path / "bad").write_bytes(bad[: rng.choice([len(bad), rng.randrange(len(bad))])])
            with contextlib.suppress(FacezooError):
                read_tree(tmp_path / "bad")
