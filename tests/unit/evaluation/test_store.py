"""Stored embeddings of other systems: accepted and rejected files."""

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from facezoo.errors import DataError, ProtocolError, ShapeError, UnknownNameError, UnsafeFileError
from facezoo.evaluation.inputs.store import EmbeddingSet, load_embeddings

ROWS = np.arange(12, dtype=np.float32).reshape(4, 3) + 1
NAMES = np.array(["a/a_1.jpg", "a/a_2.jpg", "b/b_1.jpg", "c/c_1.jpg"])


def test_npz_with_column_names_of_other_systems(tmp_path):
    np.savez(tmp_path / "e.npz", features=ROWS, files=NAMES, race=np.array([0, 1, 1, 0]))
    store = load_embeddings(tmp_path / "e.npz")
    assert (store.embeddings == ROWS).all()
    assert store.column("name").tolist() == NAMES.tolist()
    assert store.column("label").tolist() == ["a", "a", "b", "c"]
    assert store.choose({"race": 1}).tolist() == [False, True, True, False]
    assert store.choose({"race": [0, 1]}).all()
    assert store.rows_of(["c/c_1.jpg", "a/a_1.jpg"]).tolist() == [3, 0]
    assert store.rows_of(["c/c_1.png"]).tolist() == [3]


def test_saved_and_read_again(tmp_path):
    store = EmbeddingSet.build(ROWS, {"name": NAMES}, same=[1, 0])
    store.save(tmp_path / "s.npz")
    read = load_embeddings(tmp_path / "s.npz")
    assert read.sha256 == store.sha256
    assert read.same.tolist() == [True, False]


def test_parquet(tmp_path):
    table = pa.table({"embedding": ROWS.tolist(), "label": ["x", "x", "y", "z"], "masked": [True, False, True, False]})
    parquet.write_table(table, tmp_path / "e.parquet")
    store = load_embeddings(tmp_path / "e.parquet")
    assert (store.embeddings == ROWS).all()
    assert store.column("label").tolist() == ["x", "x", "y", "z"]
    assert store.choose({"masked": 1}).tolist() == [True, False, True, False]
    parquet.write_table(pa.table({"embedding": [[1.0, 2.0], [3.0]]}), tmp_path / "u.parquet")
    with pytest.raises(ShapeError, match="different lengths"):
        load_embeddings(tmp_path / "u.parquet")
    parquet.write_table(pa.table({"x": [1]}), tmp_path / "x.parquet")
    with pytest.raises(DataError, match="expected 'embedding'"):
        load_embeddings(tmp_path / "x.parquet")
    parquet.write_table(pa.table({"embedding": [1.0]}), tmp_path / "s.parquet")
    with pytest.raises(DataError, match="expected a list"):
        load_embeddings(tmp_path / "s.parquet")


def test_a_table_of_columns_in_any_order(tmp_path):
    np.savez(tmp_path / "e.npz", embeddings=ROWS, name=NAMES)
    np.save(tmp_path / "e.npy", ROWS)
    lines = [f"{name},{index}" for index, name in enumerate(NAMES)]
    (tmp_path / "t.csv").write_text("file,age\n" + "\n".join(reversed(lines)) + "\n")
    assert load_embeddings(tmp_path / "e.npz", tmp_path / "t.csv").column("age").tolist() == ["0", "1", "2", "3"]
    plain = load_embeddings(tmp_path / "e.npy", tmp_path / "t.csv")
    assert plain.column("name").tolist() == NAMES.tolist()[::-1]
    for text, error, message in [
        ("file,age\na,1\n", ShapeError, "1 lines for 4 embeddings"),
        ("file,age\na,1\nb,2\nc,3\nd,4\n", ProtocolError, "lacks 4 of 4 names"),
        ("file,age\na\nb,2\nc,3\nd,4\n", DataError, "fewer fields"),
    ]:
        (tmp_path / "t.csv").write_text(text)
        with pytest.raises(error, match=message):
            load_embeddings(tmp_path / "e.npz", tmp_path / "t.csv")
    with pytest.raises(DataError, match="cannot read table"):
        load_embeddings(tmp_path / "e.npz", tmp_path / "none.csv")


def test_bad_files(tmp_path):
    with pytest.raises(DataError, match=r"expected \.npz, \.npy, \.parquet"):
        load_embeddings(tmp_path / "e.pkl")
    for name in ("e.npz", "e.npy", "e.parquet"):
        with pytest.raises(DataError, match="cannot read"):
            load_embeddings(tmp_path / name)
    np.savez(tmp_path / "x.npz", other=ROWS)
    with pytest.raises(DataError, match="contains other; expected 'embeddings'"):
        load_embeddings(tmp_path / "x.npz")
    (tmp_path / "t.npz").write_text("text")
    with pytest.raises(DataError, match="not a NumPy file"):
        load_embeddings(tmp_path / "t.npz")
    np.savez(tmp_path / "o.npz", embeddings=ROWS, name=np.array([{}, 1, 2, 3], object))
    with pytest.raises(UnsafeFileError, match="never loaded"):
        load_embeddings(tmp_path / "o.npz")
    np.save(tmp_path / "o.npy", np.array([{}], object))
    with pytest.raises(UnsafeFileError, match="never loaded"):
        load_embeddings(tmp_path / "o.npy")
    np.savez(tmp_path / "d.npz", embeddings=ROWS, id=np.array([1, 2, 1, 3]))
    with pytest.raises(ProtocolError, match="1 names are not unique, first '1'"):
        load_embeddings(tmp_path / "d.npz")
    np.savez(tmp_path / "l.npz", embeddings=ROWS, label=np.arange(3))
    with pytest.raises(ShapeError, match=r"column 'label' has shape \(3,\)"):
        load_embeddings(tmp_path / "l.npz")
    np.savez(tmp_path / "m.npz", embeddings=ROWS, same=np.arange(3))
    with pytest.raises(ShapeError, match="same has shape"):
        load_embeddings(tmp_path / "m.npz")


def test_bad_requests():
    store = EmbeddingSet.build(ROWS, {"name": NAMES, "race": np.arange(4)})
    with pytest.raises(UnknownNameError, match="did you mean 'race'"):
        store.column("rase")
    with pytest.raises(ProtocolError, match="no row of memory has"):
        store.choose({"race": 9})
    with pytest.raises(ProtocolError, match=r"1 of 2 images of the list have no embedding in memory, first 'z\.jpg'"):
        store.rows_of(["a/a_1.jpg", "z.jpg"])
    with pytest.raises(ShapeError, match=r"expected numbers \(N, E\)"):
        EmbeddingSet.build(ROWS[0], {})
