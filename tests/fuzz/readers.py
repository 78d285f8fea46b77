"""Every reader of files from outside: how to make a valid file for it, and how to read it completely."""

from __future__ import annotations

import csv
import json
import pickle
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import facezoo
from facezoo.align.landmark_file import LandmarkFile
from facezoo.align.table import face_row, read_table, write_table
from facezoo.checkpoints.readers.read import read_tree
from facezoo.checkpoints.weights import read_weights
from facezoo.data.image import read_image
from facezoo.data.sources.open_source import open_source
from facezoo.data.sources.synthetic import SyntheticFaces
from facezoo.data.sources.verification_bin import read_verification_bin, write_verification_bin
from facezoo.data.tools import writers
from facezoo.datasets.importers.celeba import read_identities
from facezoo.datasets.importers.ijb import load_meta, read_meta, save_meta
from facezoo.download.archives import extract
from facezoo.evaluation.inputs.folder import read_landmarks
from facezoo.evaluation.inputs.ijb import read_landmark_scores, read_pair_list, read_subjects, read_template_list
from facezoo.evaluation.inputs.pairs import read_pairs
from facezoo.evaluation.inputs.store import load_embeddings
from facezoo.evaluation.protocols.protocol import load_protocol
from facezoo.inference.stored_gallery import StoredGallery
from facezoo.interfaces.detector import Face
from facezoo.specs.preprocess import Preprocess
from facezoo.training.checkpoint import read_progress
from facezoo.training.config_file import load_config
from facezoo.weights.card import read_card
from facezoo.weights.index import parse_entry as parse_weights

Make = Callable[[Path], None]
Read = Callable[[Path], Any]
ROOT = Path(facezoo.__file__).parents[1]


@dataclass(frozen=True)
class Reader:
    """One reader.

    Attributes:
        files: the files to damage; ``read`` gets their folder.
        make: writes valid files into a folder.
        read: reads their whole content.
    """

    files: tuple[str, ...]
    make: Make
    read: Read


def _noise(size: int = 24) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (size, size, 3), dtype=np.uint8)


def _picture(name: str, mode: str = "RGB", **options: Any) -> Reader:
    def make(folder: Path) -> None:
        Image.fromarray(_noise()).convert(mode).save(folder / name, **options)

    return Reader((name,), make, lambda folder: read_image(folder / name, max_pixels=1_000_000))


def _text(name: str, text: str, read: Read) -> Reader:
    return Reader((name,), lambda folder: _write(folder / name, text), lambda folder: read(folder / name))


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


FACES = SyntheticFaces(3, 2, size=24, seed=0)


def _all_images(path: Path) -> None:
    source = open_source(path)
    for index in range(len(source)):  # type: ignore[arg-type]
        source.image(index)  # type: ignore[union-attr]


def _stream(path: Path) -> None:
    for _ in open_source(path).stream(seed=0, epoch=0, worker=0, workers=1):  # type: ignore[union-attr]
        pass


def _bin(folder: Path) -> None:
    stored = read_verification_bin(folder / "v.bin")
    for index in range(2 * len(stored)):
        stored.image(index)


def _make_bin(folder: Path) -> None:
    good = folder / "one.png"
    Image.fromarray(_noise()).save(good)
    write_verification_bin(folder / "v.bin", [good.read_bytes()] * 4, [True, False])


def _make_old_bin(folder: Path) -> None:
    images = [np.frombuffer(b"\x89PNG" + bytes(20), np.uint8)] * 4
    (folder / "v.bin").write_bytes(pickle.dumps((images, [True, False]), protocol=2))


def _state() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {"a.weight": rng.normal(size=(3, 4)).astype(np.float32), "a.bias": np.zeros(3, np.float16)}


def _make_torch(folder: Path, legacy: bool) -> None:
    import torch

    state = {name: torch.from_numpy(value) for name, value in _state().items()}
    torch.save({"state_dict": state, "epoch": 3}, folder / "w.pth", _use_new_zipfile_serialization=not legacy)


def _make_paddle(folder: Path) -> None:
    import paddle

    paddle.save({name: paddle.to_tensor(value) for name, value in _state().items()}, str(folder / "w.pdparams"))


def _make_graph(folder: Path) -> None:
    state = {name: value.astype(np.float32) for name, value in _state().items()}
    weights = [{"name": name, "shape": list(value.shape), "dtype": "float32"} for name, value in state.items()]
    _write(folder / "w.json", json.dumps({"weightsManifest": [{"paths": ["w.values"], "weights": weights}]}))
    (folder / "w.values").write_bytes(b"".join(value.tobytes() for value in state.values()))


def _make_gallery(folder: Path) -> None:
    gallery = StoredGallery.create(folder / "g", 8)
    rows = np.random.default_rng(0).normal(size=(6, 8)).astype(np.float32)
    gallery.enrol([f"person {number}" for number in range(6)], rows)
    gallery.remove(["person 3"])


def _search(folder: Path) -> None:
    gallery = StoredGallery(folder / "g")
    gallery.facts()
    gallery.names()
    gallery.search(np.eye(8, dtype=np.float32), 3)
    gallery.enrol(["person 1", "new"], np.eye(8, dtype=np.float32)[:2])
    gallery.remove(["new"])


def _make_safetensors(folder: Path) -> None:
    import safetensors.numpy

    safetensors.numpy.save_file(_state(), folder / "w.safetensors", {"layout": "x"})


def _make_weights(folder: Path) -> None:
    module = facezoo.create_backbone("ShuffleNetV1", backend="torch", embedding_size=8, input_size=32, seed=0)
    facezoo.save_weights(module, folder / "w.safetensors")


def _tree(name: str, make: Make) -> Reader:
    return Reader((name,), make, lambda folder: read_tree(folder / name))


def _make_archive(name: str) -> Make:
    def make(folder: Path) -> None:
        source = folder / "member.txt"
        source.write_text("content " * 20)
        if name.endswith(".zip"):
            with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.write(source, "people/ann/1.txt")
        else:
            kind = {"gz": "w:gz", "xz": "w:xz"}.get(name.rpartition(".")[2], "w")
            with tarfile.open(folder / name, kind) as archive:  # type: ignore[call-overload]
                archive.add(source, "people/ann/1.txt")

    return make


def _archive(name: str) -> Reader:
    def read(folder: Path) -> None:
        target = folder / "unpacked"
        extract(folder / name, target)
        inside = target.resolve()
        assert all(inside in path.resolve().parents for path in target.rglob("*")), "a member left its folder"

    return Reader((name,), _make_archive(name), read)


def _embeddings(name: str) -> Reader:
    rows, names = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32), ["a", "b", "c", "d"]

    def make(folder: Path) -> None:
        if name.endswith(".npz"):
            np.savez(folder / name, embeddings=rows, labels=np.array([0, 0, 1, 1]), name=np.array(names))
        elif name.endswith(".npy"):
            np.save(folder / name, rows)
        else:
            import pyarrow
            import pyarrow.parquet

            table = pyarrow.table({"name": names, "embedding": list(rows)})
            pyarrow.parquet.write_table(table, folder / name)

    return Reader((name,), make, lambda folder: load_embeddings(folder / name))


def _make_columns(folder: Path) -> None:
    np.save(folder / "e.npy", np.eye(3, dtype=np.float32))
    with (folder / "c.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["name", "age", "race"], ["a", 3, "x"], ["b", 4.5, "y"], ["c", "", "z"]])


def _make_faces(kind: str) -> Make:
    def make(folder: Path) -> None:
        row = {"source": "a.png", "face": 0, "output": "a.png", "reason": "", "width": 9, "height": 9, "faces": 1}
        face = Face(np.arange(4.0), np.arange(10.0).reshape(5, 2), 0.99)
        write_table([face_row(row, face, np.eye(2, 3), 1.0, (0, 0, 0))], folder / f"faces.{kind}")

    return make


def _make_ijb(folder: Path) -> None:
    meta = folder / "meta"
    meta.mkdir(exist_ok=True)
    _write(meta / "ijbc_face_tid_mid.txt", "1.jpg 1 10\n2.jpg 1 11\n3.jpg 2 12\n")
    _write(meta / "ijbc_template_pair_label.txt", "1 2 0\n1 1 1\n")
    _write(meta / "ijbc_name_5pts_score.txt", "".join(f"{n}.jpg {'30.5 ' * 10}0.9\n" for n in (1, 2, 3)))


def _ijb(folder: Path) -> None:
    read_meta(folder)


def _make_ijb_npz(folder: Path) -> None:
    _make_ijb(folder)
    save_meta(read_meta(folder), folder / "meta.npz")


def _make_card(folder: Path) -> None:
    from facezoo.weights.card import ModelCard, write_card

    _make_safetensors(folder)
    card = ModelCard(name="x", backbone="IR50", embedding_size=8, preprocess=Preprocess().to_dict())
    write_card(card, folder / "w.safetensors")


LANDMARKS = "a/a_1.jpg,1,1,0.99,1,2,3,4,5,6,7,8,9,10\nb/b_1.jpg,0,0\n"
LFW = (
    "2\t2\nAnn\t1\t2\nBob\t1\t3\nAnn\t1\tBob\t2\nAnn\t2\tBob\t1\nAnn\t1\t3\nBob\t1\t2\nAnn\t1\tBob\t1\nAnn\t2\tBob\t2\n"
)
CALFW = "Ann_0001.jpg 1\nAnn_0002.jpg 1\nAnn_0001.jpg 0\nBob_0001.jpg 0\n"
RUN = json.dumps({"step": 3, "best": 0.5, "best_step": 2, "stale": 0, "config": {}})
PROTOCOL = (ROOT / "facezoo/evaluation/protocols/lfw.yaml").read_text(encoding="utf-8")
ENTRY = (ROOT / "weights_index/adaface-r100-ms1mv2.yaml").read_text(encoding="utf-8")
RECIPE = (ROOT / "zoo_configs/mobilefacenet_cpu.yaml").read_text(encoding="utf-8")

READERS: dict[str, Reader] = {
    "jpeg": _picture("a.jpg", quality=80),
    "cmyk": _picture("a.jpg", "CMYK"),
    "png": _picture("a.png"),
    "palette": _picture("a.png", "P"),
    "webp": _picture("a.webp"),
    "bmp": _picture("a.bmp"),
    "tiff": _picture("a.tiff"),
    "list file": Reader(
        ("list.txt",),
        lambda folder: (
            [Image.fromarray(_noise()).save(folder / f"{n}.png") for n in "abc"],
            _write(folder / "list.txt", "a.png 0\nb.png 0\nc.png 1\n"),
        )[1],
        lambda folder: _all_images(folder / "list.txt"),
    ),
    "recordio": Reader(
        ("pack/train.rec", "pack/train.idx", "pack/property", "pack/train.names.json"),
        lambda folder: (writers.write_recordio(FACES, folder / "pack"), None)[1],
        lambda folder: _all_images(folder / "pack"),
    ),
    "shards": Reader(
        ("shards/*.tar", "shards/*.json"),
        lambda folder: (writers.write_shards(FACES, folder / "shards", per_shard=6), None)[1],
        lambda folder: _stream(folder / "shards"),
    ),
    "bin": Reader(("v.bin",), _make_bin, _bin),
    "bin of arrays": Reader(("v.bin",), _make_old_bin, _bin),
    "torch zip": _tree("w.pth", lambda folder: _make_torch(folder, legacy=False)),
    "torch legacy": _tree("w.pth", lambda folder: _make_torch(folder, legacy=True)),
    "pdparams": _tree("w.pdparams", _make_paddle),
    "tensorflow js": Reader(("w.json", "w.values"), _make_graph, lambda folder: read_tree(folder / "w.json")),
    "safetensors": _tree("w.safetensors", _make_safetensors),
    "npz": _tree("w.npz", lambda folder: np.savez(folder / "w.npz", **_state())),
    "weight file": Reader(("w.safetensors",), _make_weights, lambda folder: read_weights(folder / "w.safetensors")),
    "tar": _archive("a.tar"),
    "tar.gz": _archive("a.tar.gz"),
    "tar.xz": _archive("a.tar.xz"),
    "zip": _archive("a.zip"),
    "embeddings npz": _embeddings("e.npz"),
    "embeddings npy": _embeddings("e.npy"),
    "embeddings parquet": _embeddings("e.parquet"),
    "gallery": Reader(("g/gallery.sqlite", "g/vectors.f32"), _make_gallery, _search),
    "columns": Reader(("c.csv",), _make_columns, lambda folder: load_embeddings(folder / "e.npy", folder / "c.csv")),
    "landmarks": _text("l.csv", LANDMARKS, read_landmarks),
    "landmark file": _text("l.csv", LANDMARKS, LandmarkFile),
    "faces csv": Reader(("faces.csv",), _make_faces("csv"), lambda folder: read_table(folder / "faces.csv")),
    "faces parquet": Reader(
        ("faces.parquet",), _make_faces("parquet"), lambda folder: read_table(folder / "faces.parquet")
    ),
    "pairs": _text("p.txt", LFW, lambda path: read_pairs(path, "lfw")),
    "pairs of paths": _text("p.txt", "a.png,b.png,1,0\nc.png,d.png,0,1\n", lambda path: read_pairs(path, "paths")),
    "pairs of calfw": _text("p.txt", CALFW, lambda path: read_pairs(path, "calfw")),
    "ijb meta": Reader(
        tuple(f"meta/ijbc_{n}.txt" for n in ("face_tid_mid", "template_pair_label", "name_5pts_score")), _make_ijb, _ijb
    ),
    "ijb templates": _text("t.txt", "1.jpg 1 10\n2.jpg 2 11\n", read_template_list),
    "ijb pairs": _text("t.txt", "1 2 0\n1 1 1\n", read_pair_list),
    "ijb points": _text("t.txt", "1.jpg " + "3.5 " * 10 + "0.9\n", read_landmark_scores),
    "ijb subjects": _text("t.txt", "1,5\n2,6\n", read_subjects),
    "ijb npz": Reader(("meta.npz",), _make_ijb_npz, lambda folder: load_meta(folder / "meta.npz")),
    "celeba identities": _text("i.txt", "000001.jpg 2880\n000002.jpg 2937\n", read_identities),
    "run state": _text("state.json", RUN, lambda path: read_progress(path.parent)),
    "model card": Reader(("w.card.json",), _make_card, lambda folder: read_card(folder / "w.safetensors")),
    "protocol": _text("p.yaml", PROTOCOL, load_protocol),
    "recipe": _text("r.yaml", RECIPE, load_config),
    "index entry": _text("e.yaml", ENTRY, lambda path: parse_weights(path.read_text("utf-8", "replace"), path.name)),
}
