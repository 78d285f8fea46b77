"""Reading images: every kind becomes upright uint8 RGB, everything else an ImageError."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_sets import encode, noise

from facezoo.data.image import MAX_PIXELS, png_bytes, read_image
from facezoo.errors import DataError, ImageError

tiny = pytest.mark.skipif("FACEZOO_TEST_DATA" not in os.environ, reason="FACEZOO_TEST_DATA is not set")


def tiny_file(name):
    return Path(os.environ["FACEZOO_TEST_DATA"]) / "data" / "tiny" / name


RGB = noise("rgb", size=(7, 5))


def as_inputs(tmp_path):
    data = encode(RGB)
    (tmp_path / "a b.png").write_bytes(data)
    return [
        tmp_path / "a b.png",
        str(tmp_path / "a b.png"),
        data,
        bytearray(data),
        memoryview(data),
        Image.fromarray(RGB),
        RGB,
    ]


def test_every_kind_of_input_gives_the_same_pixels(tmp_path):
    for given in as_inputs(tmp_path):
        image = read_image(given)
        assert image.dtype == np.uint8
        assert image.flags.c_contiguous
        assert np.array_equal(image, RGB), type(given)


def test_result_of_a_file_can_be_written_to():
    image = read_image(encode(RGB, "JPEG"))
    image[0, 0] = 3
    assert (image[0, 0] == 3).all()


@pytest.mark.parametrize("format", ["PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM"])
def test_formats_without_loss(format):
    image = Image.fromarray(RGB[:, :, 0]) if format == "GIF" else RGB
    expected = np.repeat(RGB[:, :, :1], 3, axis=2) if format == "GIF" else RGB
    options = {"lossless": True} if format == "WEBP" else {}
    assert np.array_equal(read_image(encode(image, format, **options)), expected)


def test_sixteen_bits_are_scaled_not_clipped():
    wide = np.array([[0, 257, 300, 32768, 65535]], np.uint16)
    for format in ("PNG", "TIFF"):
        narrow = read_image(encode(Image.fromarray(wide), format))
        assert narrow[0, :, 0].tolist() == [0, 1, 1, 128, 255]
        assert (narrow == narrow[:, :, :1]).all()


def test_grey_palette_and_single_bit():
    grey = Image.fromarray(RGB[:, :, 1])
    assert np.array_equal(read_image(encode(grey)), np.repeat(RGB[:, :, 1:2], 3, axis=2))
    flat = np.zeros((4, 4, 3), np.uint8)
    flat[:2] = (10, 200, 30)
    assert np.array_equal(read_image(encode(Image.fromarray(flat).quantize(4))), flat)
    bits = Image.fromarray(np.array([[0, 255]], np.uint8)).convert("1")
    assert read_image(encode(bits))[0, :, 0].tolist() == [0, 255]


def test_transparent_parts_become_white():
    rgba = np.array([[[10, 20, 30, 255], [10, 20, 30, 0], [0, 0, 0, 128]]], np.uint8)
    for given in (rgba, encode(Image.fromarray(rgba)), Image.fromarray(rgba)):
        assert read_image(given)[0].tolist() == [[10, 20, 30], [255, 255, 255], [127, 127, 127]]
    palette = Image.fromarray(np.array([[0, 1]], np.uint8), mode=None)
    palette = palette.convert("P")
    palette.putpalette([10, 20, 30, 40, 50, 60])
    assert read_image(encode(palette, transparency=1))[0].tolist() == [[10, 20, 30], [255, 255, 255]]


def test_cmyk_becomes_rgb():
    ink = Image.new("CMYK", (8, 8), (255, 0, 0, 0))
    assert np.abs(read_image(encode(ink, "JPEG", quality=95)).astype(int) - (0, 255, 255)).max() <= 3


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF"])
def test_exif_orientation_is_applied(format):
    flat = np.zeros((16, 32, 3), np.uint8)
    flat[:8, :16] = 250  # only the upper left quarter is bright
    back = {2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE"}
    back |= {6: "ROTATE_90", 7: "TRANSVERSE", 8: "ROTATE_270"}  # rotated by the camera in the opposite direction
    for orientation, method in back.items():
        exif = Image.Exif()
        exif[0x0112] = orientation
        stored = Image.fromarray(flat).transpose(Image.Transpose[method])
        data = encode(stored, format, exif=exif)
        image = read_image(data)
        assert image.shape == flat.shape, orientation
        assert np.abs(image.astype(int) - flat).max() < 30, orientation
        assert np.array_equal(read_image(Image.open(io.BytesIO(data))), image)


def test_an_image_with_broken_exif_is_read():
    data = encode(RGB, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f")
    assert read_image(data).shape == RGB.shape


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "BMP", "TIFF"])
def test_no_truncated_file_reads_as_another_image(format):
    data = encode(noise("cut", size=(40, 30)), format)
    whole = read_image(data)
    refused = 0
    for length in [0, 1, 2, 3, 10, *range(20, len(data), max(1, len(data) // 40)), len(data) - 1]:
        try:
            assert np.array_equal(read_image(data[:length]), whole), length
        except ImageError:
            refused += 1
    assert refused > 20


def test_messages_name_the_file_and_stay_on_one_line(tmp_path):
    path = tmp_path / "bad.jpg"
    path.write_bytes(encode(RGB, "JPEG")[:-40])
    with pytest.raises(ImageError, match=r"bad\.jpg: broken or truncated") as caught:
        read_image(path)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, DataError)
    with pytest.raises(ImageError, match=r"record 7: not an image in a known format"):
        read_image(b"plain text", name="record 7")
    with pytest.raises(ImageError, match=r"nobody\.jpg: no such image"):
        read_image(tmp_path / "nobody.jpg")
    with pytest.raises(ImageError, match="not a regular file"):
        read_image(tmp_path)
    with pytest.raises(ImageError, match="the file is empty"):
        read_image(b"")
    with pytest.raises(ImageError, match="cannot read an image from a int"):
        read_image(3)
    with pytest.raises(ImageError, match="bad\x00name"):
        read_image("bad\x00name")


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((4, 4, 3), np.float32),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros(4, np.uint8),
    ],
)
def test_arrays_that_are_not_images_are_refused(array):
    with pytest.raises(ImageError, match="expected uint8"):
        read_image(array)


def bomb(width, height):
    """A PNG of a few bytes that claims to be huge."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(10_001, 10_000), (30_000, 30_000), (2**31 - 1, 2**31 - 1)])
def test_huge_images_are_refused_before_decoding(size):
    with pytest.raises(ImageError, match=r"limit|known format"):
        read_image(bomb(*size))


def test_the_limit_counts_pixels():
    assert MAX_PIXELS == 100_000_000
    assert read_image(encode(RGB), max_pixels=35).shape == (7, 5, 3)
    for given in (encode(RGB), encode(RGB, "JPEG"), RGB, Image.fromarray(RGB)):
        with pytest.raises(ImageError, match="5 x 7 pixels is above the limit of 34"):
            read_image(given, max_pixels=34)


def test_formats_that_start_programs_are_not_tried():
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n"
    with pytest.raises(ImageError, match="known format"):
        read_image(eps)


def test_float_pixels_have_no_range():
    with pytest.raises(ImageError, match="no known range"):
        read_image(encode(Image.fromarray(np.zeros((3, 3), np.float32)), "TIFF"))


def test_png_bytes_are_lossless():
    assert np.array_equal(read_image(png_bytes(RGB)), RGB)


def test_a_given_pil_image_is_not_changed():
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.open(io.BytesIO(encode(RGB, exif=exif)))
    read_image(image)
    assert image.size == (5, 7)
    assert image.getexif()[0x0112] == 6


def test_importing_needs_no_framework():
    code = "import sys, facezoo.data.sources.open_source; assert not {'torch', 'paddle'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@tiny
def test_tiny_orientations_are_one_image():
    first = read_image(tiny_file("exif_2.jpg")).astype(int)
    assert first.shape == (320, 240, 3)
    for orientation in range(3, 9):
        other = read_image(tiny_file(f"exif_{orientation}.jpg"))
        assert other.shape == first.shape
        assert np.abs(other - first).mean() < 3, orientation


@tiny
def test_tiny_astronaut_in_every_mode():
    from PIL import Image as Pil

    def small(name):
        return np.asarray(Pil.fromarray(read_image(tiny_file(name))).resize((64, 64), Pil.Resampling.BOX), float)

    colour = small("eileen_collins.jpg")
    assert np.abs(small("cmyk.jpg") - colour).mean() < 3
    # the palette lacks colours and the RGBA file is transparent in places; both show the same image
    assert np.abs(small("palette.png") - colour).mean() < 12
    grey = colour @ (0.299, 0.587, 0.114)
    for name in ("gray.jpg", "gray16.png"):
        assert np.abs(small(name)[..., 0] - grey).mean() < 8, name


def progressive(scans, size=(16, 16), tail=b"", **options):
    """A progressive JPEG with its last scan repeated until it has ``scans``."""
    data = encode(noise("scans", size=size), "JPEG", progressive=True, **options)
    last = data.rindex(b"\xff\xda")
    return data[:-2] + data[last:-2] * (scans - data.count(b"\xff\xda")) + data[-2:] + tail


@pytest.mark.parametrize("exif", [b"", b"Exif\0\0MM\0*\0\0\0\x08\0\0"])
def test_a_jpeg_with_thousands_of_scans_is_refused_quickly(exif):
    started = time.perf_counter()
    with pytest.raises(ImageError, match="more than 100 scans"):
        read_image(progressive(3000, exif=exif))
    assert time.perf_counter() - started < 2


def test_a_usual_progressive_jpeg_and_bytes_after_its_end_are_read():
    assert read_image(progressive(12)).shape == (16, 16, 3)
    assert read_image(progressive(12, tail=b"\xff\xda" * 500)).shape == (16, 16, 3)
    assert read_image(progressive(12, comment=b"\xff\xda" * 500)).shape == (16, 16, 3)
