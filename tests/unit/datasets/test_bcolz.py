"""bcolz arrays, as face.evoLVe publishes its validation sets, become a verification ``.bin``.

The layout is that of bcolz's DISK_FORMAT_v1.rst and of ``load_bin`` in InsightFace_Pytorch's data_pipe.py.
"""

import io
import json
import struct
import sys
import types
import zlib

import numpy as np
import pytest
from small_archives import zipped

from facezoo.data.sources.verification_bin import read_verification_bin
from facezoo.datasets import import_archive
from facezoo.datasets.importers import bcolz
from facezoo.errors import BackendUnavailableError, DataError, UnsafeFileError

ROWS, SIDE, LENGTH = 10, 8, 3
IMAGES = np.random.default_rng(0).integers(0, 256, (ROWS, SIDE, SIDE, 3), np.uint8)  # RGB
IMAGES[..., 2] //= 2  # faces are more red than blue
SAME = np.array([True, False, True, False, True])


def chunk(data, compress=False):
    body = zlib.compress(data) if compress else data
    flags = 0 if compress else bcolz.COPIED
    header = bytes([2, 1, flags, 4]) + struct.pack("<III", len(data), len(data), 16 + len(body))
    return b"blpk" + bytes([1, 0, 0, 0]) + struct.pack("<q", 1) + header + body


def npy(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def members(compress=False, **storage):
    """vgg2_fp/meta/{sizes, storage}, vgg2_fp/data/__N.blp, vgg2_fp_list.npy; the array is BGR, from -1 to 1."""
    rows = (IMAGES[..., ::-1].transpose(0, 3, 1, 2).astype(np.float32) / 255 - 0.5) / 0.5
    sizes = {"shape": list(rows.shape), "nbytes": rows.nbytes, "cbytes": rows.nbytes}
    storage = {"dtype": "float32", "cparams": {"clevel": 5}, "chunklen": LENGTH, "dflt": 0.0, **storage}
    files = {
        "vgg2_fp/meta/sizes": json.dumps(sizes).encode(),
        "vgg2_fp/meta/storage": json.dumps(storage).encode(),
        "vgg2_fp_list.npy": npy(SAME),
    }
    parts = range(0, ROWS, LENGTH)
    chunks = {
        f"vgg2_fp/data/__{n}.blp": chunk(rows[at : at + LENGTH].tobytes(), compress) for n, at in enumerate(parts)
    }
    return files | chunks


def check(folder):
    found = read_verification_bin(folder / "vgg2_fp.bin")
    assert found.same.tolist() == SAME.tolist()
    for at, image in enumerate(IMAGES):
        np.testing.assert_array_equal(found.image(at), image)
    assert {path.name for path in folder.iterdir()} == {"vgg2_fp.bin", "dataset.json"}


def test_archive(tmp_path):
    done = import_archive(zipped(tmp_path / "vgg2_fp.zip", members()), tmp_path / "out", dataset="vggface2-fp")
    assert done.details["verification_pairs"] == {"vgg2_fp": 5}
    assert done.details["colour"] == "vgg2_fp taken as BGR"
    check(tmp_path / "out")


def test_folder(tmp_path):
    for name, content in members().items():
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(content)
    import_archive(tmp_path / "in", tmp_path / "out")
    check(tmp_path / "out")
    import_archive(tmp_path / "in" / "vgg2_fp", tmp_path / "two")
    check(tmp_path / "two")


def without_libraries(monkeypatch):
    for module in bcolz.DECODERS:
        monkeypatch.setitem(sys.modules, module, None)


def test_compressed_chunks_need_a_library(tmp_path, monkeypatch):
    without_libraries(monkeypatch)
    archive = zipped(tmp_path / "vgg2_fp.zip", members(compress=True))
    with pytest.raises(BackendUnavailableError, match="pip install blosc2"):
        import_archive(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    library = types.SimpleNamespace(decompress=lambda data: zlib.decompress(data[16:]))
    monkeypatch.setitem(sys.modules, "blosc", library)
    import_archive(archive, tmp_path / "out")
    check(tmp_path / "out")


def test_doubtful_colours_are_pointed_out(tmp_path):
    rows = np.zeros((ROWS, 3, SIDE, SIDE), np.uint8)
    rows[:, 0] = 200  # the channel that is taken as blue
    files = members(dtype="uint8", chunklen=ROWS) | {"vgg2_fp/data/__0.blp": chunk(rows.tobytes())}
    done = import_archive(zipped(tmp_path / "x.zip", files), tmp_path / "out")
    assert "may be RGB" in done.details["colour"]


FAULTS = {
    "a missing chunk": ({"vgg2_fp/data/__2.blp": None}, "__2.blp: cannot be read"),
    "a truncated chunk": ({"vgg2_fp/data/__1.blp": chunk(b"x" * 9216)[:-5]}, "states 9232 bytes"),
    "a short chunk": ({"vgg2_fp/data/__1.blp": chunk(b"x" * 20)}, "__1.blp: 20 bytes"),
    "another format": ({"vgg2_fp/data/__0.blp": b"zip" * 20}, "is not a bcolz chunk"),
    "no labels": ({"vgg2_fp_list.npy": None}, "vgg2_fp_list.npy"),
    "too few labels": ({"vgg2_fp_list.npy": npy(SAME[:3])}, "10 images and 3 labels"),
    "a huge shape": ({"vgg2_fp/meta/sizes": b'{"shape": [9000000000, 3, 8, 8]}'}, "shape"),
    "no JSON": ({"vgg2_fp/meta/storage": b"(lambda: 1)()"}, "cannot be read"),
    "an object dtype": ({"vgg2_fp/meta/storage": b'{"dtype": "object", "chunklen": 3}'}, "dtype 'object'"),
    "values of another scale": ({"vgg2_fp/data/__0.blp": chunk(np.full(576, 9, "<f4").tobytes())}, "expected -1 to 1"),
}


@pytest.mark.parametrize("change, words", FAULTS.values(), ids=FAULTS)
def test_broken_arrays_are_refused(tmp_path, change, words):
    files = {name: content for name, content in (members() | change).items() if content is not None}
    with pytest.raises((DataError, UnsafeFileError), match=words):
        import_archive(zipped(tmp_path / "x.zip", files), tmp_path / "out")
    assert not (tmp_path / "out").exists()
