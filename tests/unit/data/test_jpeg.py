"""JPEG by simplejpeg: the same pixels, the same refusals as by Pillow alone."""

from __future__ import annotations

import io
import random

import numpy as np
import pytest
from PIL import Image, features
from small_sets import encode, noise

from facezoo.data import jpeg
from facezoo.data.image import read_image
from facezoo.errors import ImageError

pytest.importorskip("simplejpeg")
turbo = pytest.mark.skipif(not features.check_feature("libjpeg_turbo"), reason="Pillow is built without libjpeg-turbo")


def face(size=(45, 37)):
    """A smooth image with edges and saturated colours, where chroma upsampling and the DCT show."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    image = np.stack([rows * 5, columns * 6, (rows - columns) * 7 % 256], axis=2) % 256
    image[10:20, 8:25] = (255, 0, 0)
    return image.astype(np.uint8)


def saved(image, **options):
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", **options)
    return stream.getvalue()


def outcome(data):
    """Pixels or refusal."""
    try:
        return read_image(data).tobytes()
    except ImageError as error:
        return str(error)


def both(data, monkeypatch):
    """The outcomes with simplejpeg and without it."""
    fast = outcome(data)
    with monkeypatch.context() as patch:
        patch.setattr(jpeg, "_decoder", lambda: None)
        return fast, outcome(data)


@turbo
@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize(
    "options", [{"quality": 30}, {"quality": 95}, {"progressive": True}, {"restart_marker_rows": 1}]
)
def test_pixels_are_pillows(monkeypatch, subsampling, options):
    for image in (face(), face((112, 112)), face((1, 1)), noise(1, size=(16, 9))):
        data = saved(image, subsampling=subsampling, **options)
        assert jpeg.decode_plain_jpeg(data, 10**6) is not None
        fast, slow = both(data, monkeypatch)
        assert fast == slow


@turbo
def test_grey_is_repeated_and_the_result_can_be_written_to(monkeypatch):
    data = saved(face()[:, :, 0])
    pixels = jpeg.decode_plain_jpeg(data, 10**6)
    assert pixels.shape == (45, 37, 3)
    assert pixels.flags.writeable
    assert pixels.flags.c_contiguous
    fast, slow = both(data, monkeypatch)
    assert fast == slow


def test_what_pillow_has_to_decide(monkeypatch):
    exif = Image.Exif()
    exif[0x0112] = 6
    cmyk = io.BytesIO()
    Image.fromarray(face()).convert("CMYK").save(cmyk, "JPEG")
    plain = saved(face())
    for data in (saved(face(), exif=exif), cmyk.getvalue(), plain[:-20], encode(face())):
        assert jpeg.decode_plain_jpeg(data, 10**6) is None
        fast, slow = both(data, monkeypatch)
        assert fast == slow
    assert jpeg.decode_plain_jpeg(plain, 45 * 37 - 1) is None
    with pytest.raises(ImageError, match="37 x 45 pixels is above the limit of 1664"):
        read_image(plain, max_pixels=45 * 37 - 1)


def test_damaged_files_have_the_same_outcome(monkeypatch):
    seed = random.randrange(2**32)
    print("seed", seed)
    draw = random.Random(seed)
    plain = saved(face(), subsampling=2)
    for _ in range(300):
        data = bytearray(plain)
        for _ in range(draw.randint(1, 3)):
            data[draw.randrange(3, len(data))] = draw.randrange(256)
        fast, slow = both(bytes(data), monkeypatch)
        assert fast == slow
