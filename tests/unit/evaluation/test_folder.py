"""Crops from a folder of photos, a list and landmarks."""

import numpy as np
import pytest
from PIL import Image

from facezoo.align.table import face_row, write_table
from facezoo.align.templates import get_template
from facezoo.data.transforms.crop import central_crop
from facezoo.errors import DataError, ProtocolError
from facezoo.evaluation.inputs.folder import FaceFolder, by_extension, find_root, read_landmarks, require_images
from facezoo.interfaces.detector import Face


def save(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


def row(name, points, ok=1):
    return f"{name},1,{ok},0.99," + ",".join(f"{v:.4f}" for v in points.ravel())


def test_landmark_table(tmp_path):
    points = np.arange(10.0).reshape(5, 2)
    path = tmp_path / "landmarks.csv"
    path.write_text(row("a/a_1.png", points) + "\nb/b_1.png,0,0\n")
    table = read_landmarks(path)
    assert list(table) == ["a/a_1.png"]
    assert (table["a/a_1.png"] == points).all()


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_the_table_of_align_is_a_landmark_table(tmp_path, kind):
    if kind == "parquet":
        pytest.importorskip("pyarrow")
    points = np.arange(10.0).reshape(5, 2) + 0.25
    photo = {"source": "a/a_1.png", "face": 0, "output": "a/a_1.png", "reason": "", "width": 9, "height": 9, "faces": 2}
    faces = [Face(np.arange(4.0), points, 0.99), Face(np.arange(4.0), points + 5, 0.98)]
    rows = [
        face_row({**photo, "face": number}, face, np.eye(2, 3), 1.0, (0, 0, 0)) for number, face in enumerate(faces)
    ]
    empty = {**photo, "source": "b/b_1.png", "output": "", "reason": "no face", "faces": 0}
    write_table([*rows, empty], tmp_path / f"faces.{kind}")
    table = read_landmarks(tmp_path / f"faces.{kind}")
    assert list(table) == ["a/a_1.png"]
    assert (table["a/a_1.png"] == points).all()


@pytest.mark.parametrize(
    "text, message",
    [
        ("a,1,1,0.9,1,2,3\n", "line 1 has 7 fields"),
        ("a,1,1,0.9" + ",x" * 10, "10 numbers"),
        ("a,1,1,0.9" + ",nan" * 10, "not finite"),
        ("a,0,0\na,0,0\n", "line 2 repeats 'a'"),
    ],
)
def test_bad_landmarks(tmp_path, text, message):
    (tmp_path / "l.csv").write_text(text)
    with pytest.raises(ProtocolError, match=message):
        read_landmarks(tmp_path / "l.csv")


def test_missing_landmarks(tmp_path):
    with pytest.raises(DataError, match="cannot read landmarks"):
        read_landmarks(tmp_path / "none.csv")


def test_crops_land_on_the_template(tmp_path):
    points = get_template("arcface112").points + 60  # the same face, moved by 60 pixels
    photo = np.random.default_rng(0).integers(0, 255, (250, 250, 3), dtype=np.uint8)
    save(tmp_path / "a/a_1.png", photo)
    save(tmp_path / "b/b_1.png", photo)
    folder = FaceFolder(tmp_path, ["a/a_1.png", "b/b_1.png"], {"a/a_1.png": points})
    aligned, middle = list(folder)
    assert aligned.shape == middle.shape == (112, 112, 3)
    assert np.abs(aligned.astype(int) - photo[60:172, 60:172]).max() <= 1
    assert folder.without_landmarks == ["b/b_1.png"]
    assert len(folder) == 2


def test_aligned_files_pass_unchanged(tmp_path):
    crop = np.random.default_rng(1).integers(0, 255, (112, 112, 3), dtype=np.uint8)
    save(tmp_path / "a.png", crop)
    assert (next(iter(FaceFolder(tmp_path, ["a.png"]))) == crop).all()


def test_central_crop_keeps_the_middle():
    image = np.zeros((100, 200, 3), np.uint8)
    image[45:55, 95:105] = 255
    small = central_crop(image, (20, 20), share=0.1 * 2)
    assert small.shape == (20, 20, 3)
    assert small[10, 10, 0] == 255
    assert small[0, 0, 0] == 0


def test_missing_images_are_counted(tmp_path):
    save(tmp_path / "a/a_1.png", np.zeros((4, 4, 3), np.uint8))
    require_images(tmp_path, ["a/a_1.png"])
    with pytest.raises(DataError, match=r"2 of 3 images are missing .* first 'b/b_1.png'"):
        require_images(tmp_path, ["a/a_1.png", "b/b_1.png", "c/c_1.png"])
    with pytest.raises(DataError, match="no folder"):
        require_images(tmp_path / "none", ["a"])


def test_root_and_extension_are_found(tmp_path):
    save(tmp_path / "set/a/a_1.png", np.zeros((4, 4, 3), np.uint8))
    root = find_root(tmp_path, ["a/a_1.png"])
    assert root == tmp_path / "set"
    assert by_extension(root, ["a/a_1.jpg"])("z/z_2.jpg") == "z/z_2.png"
    assert find_root(tmp_path, ["none.png"]) == tmp_path
