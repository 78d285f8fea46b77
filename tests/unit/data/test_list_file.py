"""List files: separators, order of identities, messages with line numbers."""

from __future__ import annotations

import pytest
from small_sets import make_folder

from facezoo.data.sources.list_file import ListFile
from facezoo.errors import DataError, ImageError


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def test_tabs_spaces_comments_and_paths_with_spaces(tmp_path):
    make_folder(tmp_path, {"a b": 2, "c": 1})
    text = "# made by hand\r\na b/000.jpg\tAnn Lee\r\n\r\na b/001.jpg\tAnn Lee\nc/000.jpg   Bo\n"
    source = ListFile(write(tmp_path / "train.txt", text))
    assert source.class_names == ["Ann Lee", "Bo"]
    assert source.labels.tolist() == [0, 0, 1]
    assert source.image(1).shape == (12, 10, 3)
    assert source.key(2) == str(tmp_path / "c" / "000.jpg")
    spaces = ListFile(write(tmp_path / "spaces.lst", "a b/000.jpg 5\nc/000.jpg 7\n"))
    assert spaces.image(0).shape == (12, 10, 3)


def test_numbers_are_ordered_as_numbers_and_gaps_closed(tmp_path):
    source = ListFile(write(tmp_path / "l", "x.jpg 10\ny.jpg 9\nz.jpg 10\n"))
    assert source.class_names == ["9", "10"]
    assert source.labels.tolist() == [1, 0, 1]
    mixed = ListFile(write(tmp_path / "m", "x.jpg 10\ny.jpg 9\nz.jpg a\n"))
    assert mixed.class_names == ["10", "9", "a"]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("{label}\t{path}", "label first, tab"),
        ("{label} {path}", "label first, space"),
        ("{number}\t{label}.000000\t{path}", "im2rec's .lst"),
        ("1\t{path}\t{label}", "InsightFace's .lst"),
    ],
)
def test_other_orders_are_recognised_by_the_image_names(tmp_path, line, name):
    make_folder(tmp_path, {"a b": 2, "c": 1})
    rows = [("a b/000.jpg", 7), ("./a b/001.jpg", 7), ("c/000.jpg", 12)]
    text = "".join(line.format(path=path, label=label, number=at) + "\n" for at, (path, label) in enumerate(rows))
    source = ListFile(write(tmp_path / "train.lst", text))
    assert source.class_names == ["7", "12"], name
    assert source.labels.tolist() == [0, 0, 1]
    assert source.key(1) == str(tmp_path / "a b" / "001.jpg")
    assert source.image(2).shape == (12, 10, 3)


def test_names_like_images_on_both_sides_and_on_none_keep_the_default_order(tmp_path):
    both = ListFile(write(tmp_path / "both.txt", "x/1.jpg\tann.jpg\ny/1.jpg\tbob.jpg\n"))
    assert both.class_names == ["ann.jpg", "bob.jpg"]
    none = ListFile(write(tmp_path / "none.txt", "x/1\tann\ny/1\tbob\n"))
    assert none.class_names == ["ann", "bob"]


def test_absolute_paths_and_another_root(tmp_path):
    make_folder(tmp_path / "images", {"a": 1})
    source = ListFile(write(tmp_path / "l.txt", "a/000.jpg 0\n"), root=tmp_path / "images")
    assert source.image(0).shape == (12, 10, 3)
    absolute = ListFile(write(tmp_path / "m.txt", f"{tmp_path}/images/a/000.jpg\t0\n"))
    assert absolute.image(0).shape == (12, 10, 3)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the list is empty"),
        (b"# nothing\n\n", "the list is empty"),
        (b"a.jpg 1\nb.jpg\n", "line 2: 'b.jpg' has no label"),
        (b"a.jpg\t\n", "line 1: 'a.jpg' has no label"),
        (b"\xff\xfe\x00", "not a text file in UTF-8"),
        (b"a/1.jpg 0\n1 b/1.jpg\n", "line 2: '1 b/1.jpg' has the image where the first line has the label"),
        (b"0 a/1.jpg\nb/1.jpg 1\n", "line 2: 'b/1.jpg 1' has the image where the first line has the label"),
        (b"0\t1.0\t2.0\ta/1.jpg\n", "4 columns, .*expected three, NUMBER<TAB>LABEL<TAB>PATH"),
        (b"1\ta/1.jpg\t0\t3.5\t4.5\n", "5 columns, .*expected three, FLAG<TAB>PATH<TAB>LABEL"),
        (b"0\t1.0\ta/1.jpg\n1\tb/1.jpg\n", "line 2: .*expected NUMBER<TAB>LABEL<TAB>PATH"),
    ],
)
def test_bad_lists(tmp_path, content, message):
    (tmp_path / "l.txt").write_bytes(content)
    with pytest.raises(DataError, match=message):
        ListFile(tmp_path / "l.txt")


def test_missing_list_and_missing_image(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        ListFile(tmp_path / "none.txt")
    source = ListFile(write(tmp_path / "l.txt", "gone.jpg 1\n"))
    with pytest.raises(ImageError, match=r"gone\.jpg: no such image"):
        source.image(0)
