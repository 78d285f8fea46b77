"""Imports from archives in the published layouts, built here, and from the real LFW where it is available."""

import io
import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_archives import tgz, zipped

from facezoo.cli.main import main
from facezoo.data.sources.folder import ImageFolder
from facezoo.data.sources.recordio import RecordIO
from facezoo.data.sources.verification_bin import write_verification_bin
from facezoo.data.tools.writers import write_recordio
from facezoo.datasets import import_archive
from facezoo.datasets.importers import ijb
from facezoo.errors import ConfigError, DataError, UnsafeFileError


def jpeg(seed=0):
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (16, 16, 3), np.uint8)).save(stream, "JPEG")
    return stream.getvalue()


LFW = {f"lfw/{name}/{name}_{number:04d}.jpg": jpeg() for name, number in (("Al_Gore", 1), ("Al_Gore", 2), ("Bo", 1))}


def test_lfw_must_be_complete(tmp_path):
    archive = tgz(tmp_path / "lfw.tgz", LFW)
    with pytest.raises(DataError, match="found 3 images of 2 people; lfw has 13233 of 5749"):
        import_archive(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    done = import_archive(archive, tmp_path / "out", partial=True)
    assert (done.dataset, done.images, done.identities) == ("lfw", 3, 2)
    source = ImageFolder(tmp_path / "out")
    assert source.class_names == ["Al_Gore", "Bo"]
    assert source.image(0).shape == (16, 16, 3)


def test_real_lfw(tmp_path):
    root = os.environ.get("FACEZOO_TEST_DATA")
    if not root:
        pytest.skip("FACEZOO_TEST_DATA is not set")
    done = import_archive(Path(root) / "data" / "lfw-deepfunneled.tgz", tmp_path / "out")
    assert (done.images, done.identities) == (13233, 5749)
    assert (tmp_path / "out" / "George_W_Bush" / "George_W_Bush_0530.jpg").is_file()


@pytest.fixture
def celeba(tmp_path):
    images = {f"img_align_celeba/00000{i}.jpg": jpeg(i) for i in range(1, 5)}
    (tmp_path / "identity_CelebA.txt").write_text("".join(f"00000{i}.jpg {i % 2 + 10}\n" for i in range(1, 5)))
    return zipped(tmp_path / "img_align_celeba.zip", {"img_align_celeba/": b"", **images})


def test_celeba(celeba, tmp_path):
    with pytest.raises(DataError, match="celeba has 202599 of 10177"):
        import_archive(celeba, tmp_path / "out")
    done = import_archive(celeba, tmp_path / "out", partial=True)
    assert (done.images, done.identities) == (4, 2)
    assert sorted(path.name for path in (tmp_path / "out" / "10").iterdir()) == ["000002.jpg", "000004.jpg"]


@pytest.mark.parametrize(
    "text, words",
    [
        ("000001.jpg 1\n", "000002.jpg has no identity"),
        ("000001.jpg one\n", "line 1 is '000001.jpg one'"),
        ("000001.jpg 1\n000001.jpg 2\n", "line 2 is listed twice"),
        ("", "is empty"),
        ("../../../x.jpg 1\n", "line 1 is"),
    ],
)
def test_celeba_with_a_broken_identity_file(celeba, tmp_path, text, words):
    (tmp_path / "ids.txt").write_text(text)
    with pytest.raises(DataError, match=words):
        import_archive(celeba, tmp_path / "out", identities=tmp_path / "ids.txt", partial=True)
    assert not (tmp_path / "out").exists()


def test_celeba_without_its_identity_file(celeba, tmp_path):
    (tmp_path / "identity_CelebA.txt").unlink()
    with pytest.raises(DataError, match=r"expected identity_CelebA\.txt"):
        import_archive(celeba, tmp_path / "out", partial=True)


@pytest.fixture
def pack(tmp_path):
    folders = tmp_path / "folders"
    for name in ("a", "b", "c"):
        (folders / name).mkdir(parents=True)
        for number in range(3):
            (folders / name / f"{number}.jpg").write_bytes(jpeg(number))
    write_recordio(ImageFolder(folders), tmp_path / "pack")
    write_verification_bin(tmp_path / "pack" / "lfw.bin", [jpeg(i) for i in range(4)], [True, False])
    return tmp_path / "pack"


def test_insightface_pack_from_a_folder_and_from_an_archive(pack, tmp_path):
    done = import_archive(pack, tmp_path / "one", dataset="ms1mv2")
    assert (done.dataset, done.images, done.identities) == ("ms1mv2", 9, 3)
    assert done.details["verification_pairs"] == {"lfw": 2}
    files = {f"faces/{file.name}": file.read_bytes() for file in pack.iterdir()}
    import_archive(zipped(tmp_path / "faces_emore.zip", {**files, "faces/readme.html": b"x"}), tmp_path / "two")
    assert RecordIO(tmp_path / "two").class_names == RecordIO(tmp_path / "one").class_names
    assert not (tmp_path / "two" / "readme.html").exists()


def test_single_bin(pack, tmp_path):
    assert import_archive(pack / "lfw.bin", tmp_path / "out").details["verification_pairs"] == {"lfw": 2}


def test_bin_with_code_in_it_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path}/ran",)

    (tmp_path / "lfw.bin").write_bytes(pickle.dumps(([Evil()], [True])))
    with pytest.raises(UnsafeFileError):
        import_archive(tmp_path / "lfw.bin", tmp_path / "out")
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "out").exists()


def test_truncated_pack_is_refused(pack, tmp_path):
    records = pack / "train.rec"
    records.write_bytes(records.read_bytes()[:-200])
    with pytest.raises(DataError):
        import_archive(pack, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.fixture
def ijbb(tmp_path):
    meta = tmp_path / "ijb" / "IJBB" / "meta"
    crops = meta.parent / "loose_crop"
    meta.mkdir(parents=True)
    crops.mkdir()
    for number in range(1, 5):
        (crops / f"{number}.jpg").write_bytes(jpeg(number))
    lines = [f"{n}.jpg {n % 2 + 1} {n + 100}" for n in range(1, 5)]
    (meta / "ijbb_face_tid_mid.txt").write_text("\n".join(lines) + "\n")
    points = [f"{n}.jpg " + " ".join(str(n + i / 4) for i in range(10)) + " 0.99" for n in range(1, 5)]
    (meta / "ijbb_name_5pts_score.txt").write_text("\n".join(points) + "\n")
    (meta / "ijbb_template_pair_label.txt").write_text("1 1 1\n1 2 0\n")
    return tmp_path / "ijb"


def test_ijb_meta(ijbb, tmp_path):
    done = import_archive(ijbb, tmp_path / "out", dataset="ijb-b")
    assert (done.dataset, done.images, done.identities, done.details["pairs"]) == ("ijb-b", 4, 2, 2)
    meta = ijb.load_meta(tmp_path / "out" / "meta.npz")
    assert meta.names == ["1.jpg", "2.jpg", "3.jpg", "4.jpg"]
    assert meta.template.tolist() == [2, 1, 2, 1]
    assert meta.media.tolist() == [101, 102, 103, 104]
    assert meta.landmarks.shape == (4, 5, 2)
    assert meta.landmarks[0, 1].tolist() == [1.5, 1.75]
    assert meta.pairs.tolist() == [[1, 1], [1, 2]]
    assert meta.same.tolist() == [True, False]


def test_ijb_from_an_archive(ijbb, tmp_path):
    files = {str(path.relative_to(ijbb)): path.read_bytes() for path in ijbb.rglob("*") if path.is_file()}
    done = import_archive(tgz(tmp_path / "IJB.tar", files), tmp_path / "out")
    assert done.details["images"] == "IJBB/loose_crop"
    assert (tmp_path / "out" / "IJBB" / "loose_crop" / "4.jpg").is_file()


IJB_FAULTS = {
    "a column too few": ("ijbb_face_tid_mid.txt", "1.jpg 1\n", "line 1: 2 columns; expected 3"),
    "a string instead of a number": ("ijbb_face_tid_mid.txt", "1.jpg one 2\n", "same images|expected integers"),
    "other images": ("ijbb_face_tid_mid.txt", "9.jpg 1 2\n", "do not list the same images"),
    "a label of two": ("ijbb_template_pair_label.txt", "1 1 2\n", "label 2; expected 0 or 1"),
    "a template without images": ("ijbb_template_pair_label.txt", "1 7 0\n", "template 7 has no image"),
    "pairs that stop": ("ijbb_template_pair_label.txt", "1 2 0 1\n", "expected three per line"),
    "pairs that are not numbers": ("ijbb_template_pair_label.txt", "1 2 0\nx y z\n", "cannot be read"),
    "an empty file": ("ijbb_name_5pts_score.txt", "", "is empty"),
}


@pytest.mark.parametrize("file, text, words", IJB_FAULTS.values(), ids=IJB_FAULTS)
def test_broken_ijb_meta_is_refused(ijbb, tmp_path, file, text, words):
    (ijbb / "IJBB" / "meta" / file).write_text(text)
    with pytest.raises(DataError, match=words):
        import_archive(ijbb, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_ijb_with_missing_images(ijbb, tmp_path):
    (ijbb / "IJBB" / "loose_crop" / "3.jpg").unlink()
    with pytest.raises(DataError, match="1 of 4 images are missing"):
        import_archive(ijbb, tmp_path / "out")
    assert import_archive(ijbb, tmp_path / "out", partial=True).details["missing_images"] == 1


def test_any_archive_of_identity_folders(tmp_path):
    files = {"set/train/ann/1.jpg": jpeg(), "set/train/bob/1.png": jpeg(), "set/readme.txt": b"x"}
    done = import_archive(zipped(tmp_path / "a.zip", files), tmp_path / "out")
    assert (done.dataset, done.kind, done.images, done.identities) == ("", "folder", 2, 2)


def test_what_cannot_be_imported(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        import_archive(tmp_path / "none.zip", tmp_path / "out")
    with pytest.raises(DataError, match="expected images in identity folders"):
        import_archive(zipped(tmp_path / "a.zip", {"readme.txt": b"x"}), tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="archives: none"):
        import_archive(tmp_path / "empty", tmp_path / "out")
    archive = zipped(tmp_path / "u.zip", {"UTKFace/1_0_0_2017.jpg": jpeg()})
    with pytest.raises(ConfigError, match="utkface has no identities"):
        import_archive(archive, tmp_path / "out", dataset="utkface")


def test_command(celeba, tmp_path, capsys):
    words = ["datasets", "import", str(celeba), "--out", str(tmp_path / "out"), "--quiet"]
    assert main(words) == 2
    assert "--partial" in capsys.readouterr().err
    assert main([*words, "--partial", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["identities"] == 2
    assert main([*words, "--partial"]) == 2
    assert "exists already" in capsys.readouterr().err
