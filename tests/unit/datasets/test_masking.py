"""Masked copies of a folder: layout, restart, settings, and masked protocols."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from PIL import Image

from facezoo.cli import main as cli
from facezoo.data.image import read_image
from facezoo.data.sources.synthetic import SyntheticFaces
from facezoo.datasets.masking import MaskSettings, mask_folder
from facezoo.errors import ConfigError, DataError
from facezoo.evaluation.protocols.faces import find_faces
from facezoo.evaluation.protocols.protocol import load_protocol
from facezoo.specs.preprocess import Preprocess

NAMES = [f"p{number // 4}/{number}.{'png' if number % 2 else 'jpg'}" for number in range(12)]


@pytest.fixture
def faces(tmp_path):
    source = SyntheticFaces(identities=3, images_per_identity=4, size=112)
    for number, name in enumerate(NAMES):
        path = tmp_path / "faces" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(source.image(number)).save(path, quality=95)
    return tmp_path / "faces"


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_layout_table_and_restart(faces, tmp_path):
    settings = MaskSettings(share=0.7, seed=2)
    rows = mask_folder(faces, tmp_path / "a", settings, engine="local")
    assert [row.name for row in rows] == sorted(NAMES)
    masked = {row.name for row in rows if row.kind}
    assert 0 < len(masked) < len(NAMES)
    for name in NAMES:
        same = (faces / name).read_bytes() == (tmp_path / "a" / name).read_bytes()
        assert same == (name not in masked)
        assert read_image(tmp_path / "a" / name).shape == (112, 112, 3)
    with (tmp_path / "a" / "masks.csv").open() as table:
        assert {row["file"] for row in csv.DictReader(table) if row["kind"]} == masked
    whole = files(tmp_path / "a")
    kept = tmp_path / "a" / sorted(masked)[0]
    before = kept.stat().st_mtime_ns
    (tmp_path / "a" / sorted(masked)[1]).unlink()  # as after a kill
    (tmp_path / "a" / "masks.csv").unlink()
    assert mask_folder(faces, tmp_path / "a", settings) == rows
    assert files(tmp_path / "a") == whole
    assert kept.stat().st_mtime_ns == before


def test_other_settings_and_wrong_folders_are_refused(faces, tmp_path):
    mask_folder(faces, tmp_path / "a", MaskSettings(kinds=("cloth",)))
    with pytest.raises(ConfigError, match=r"made with .*'cloth'"):
        mask_folder(faces, tmp_path / "a", MaskSettings())
    with pytest.raises(ConfigError, match="expected a folder outside of it"):
        mask_folder(faces, faces / "masked")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no images in"):
        mask_folder(tmp_path / "empty", tmp_path / "b")
    with pytest.raises(ConfigError, match="is not empty"):
        mask_folder(faces, tmp_path)
    with pytest.raises(ConfigError, match=r"share is 2; expected 0..1"):
        MaskSettings(share=2)


def test_photos_by_landmarks_and_broken_images(faces, tmp_path):
    (faces / "p0" / "0.jpg").write_bytes(b"no image")
    points = {name: np.array([[40, 52], [72, 52], [56, 72], [42, 92], [70, 92]], float) for name in NAMES[:-1]}
    rows = {row.name: row for row in mask_folder(faces, tmp_path / "a", landmarks=points)}
    assert "lacks it" in rows[NAMES[-1]].error
    assert rows["p0/0.jpg"].error
    assert not (tmp_path / "a" / "p0" / "0.jpg").exists()
    assert all(rows[name].kind for name in NAMES[1:-1])
    with pytest.raises(DataError, match="none of 12 images"):
        mask_folder(faces, tmp_path / "b", landmarks={})


def test_command(faces, tmp_path, capsys):
    words = ["datasets", "mask", str(faces), str(tmp_path / "a"), "--workers", "1", "--contact-sheet", "--json"]
    assert cli.main(words) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["images"], sum(shown["masked"].values()), shown["left_out"]) == (12, 12, 0)
    assert read_image(tmp_path / "a" / "contact_sheet.png").shape[1] == 8 * 120 + 8
    assert "p0/0.jpg" in (tmp_path / "a" / "contact_sheet.html").read_text("utf-8")
    assert cli.main([*words, "--kind", "n95"]) == 2
    assert "give those settings" in capsys.readouterr().err
    assert cli.main(["datasets", "mask", str(faces), str(tmp_path / "b"), "--kind", "n59"]) == 2
    assert "did you mean 'n95'" in capsys.readouterr().err


def test_a_protocol_draws_the_masks_that_a_copy_would_have(faces, tmp_path):
    plain = load_protocol("all_pairs")
    rule = load_protocol("lfw_masked").embedding.model_copy(update={"aligner": "aligned"})
    masked = plain.model_copy(update={"embedding": rule})
    assert masked.sha256 != plain.sha256
    assert plain.sha256 == load_protocol("all_pairs").sha256
    found = find_faces(masked, faces, Preprocess(size=(112, 112)))
    assert found.inputs["masks"] == "share 1, mesh 0.5, low 0, seed 0"
    mask_folder(faces, tmp_path / "a", MaskSettings(low_share=0.0))
    for name, crop in zip(found.names, found.crops, strict=True):
        np.testing.assert_array_equal(crop, found.crop(name))
        copy = read_image(tmp_path / "a" / name)
        assert np.abs(copy.astype(int) - crop).mean() < (0.01 if name.endswith("png") else 3)
