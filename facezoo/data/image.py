"""Decoding one image from a file, bytes, a PIL image or an array; other modules decode pixels through this one."""

from __future__ import annotations

import io
import os
import re
import warnings

import numpy as np
from PIL import Image, JpegImagePlugin

from facezoo.data.jpeg import decode_plain_jpeg
from facezoo.download.urls import local_path
from facezoo.errors import ConfigError, DataError, DownloadError, ImageError

MAX_PIXELS = 100_000_000  # an image with more is refused by its header, before decoding
MAX_SCANS = 100  # of a JPEG; each one passes over the whole image, and progressive files have about ten
MAX_BYTES = 1 << 30  # an encoded file larger than this is refused unread

# Only these are tried: Pillow's other readers include ones that start outside programs (EPS).
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM")

# Suffixes by which image files are found in folders.
IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".ppm", ".pgm"}
)

_SCAN = b"\xff\xda"  # the marker that starts a scan
_MARKER = re.compile(rb"\xff[^\x00\x01\xff\xd0-\xd8]", re.DOTALL)  # markers with a length, and the end
_EXIF_WITHIN = 1 << 16  # first bytes of a JPEG in which EXIF is searched
_ORIENTATION = 0x0112  # the EXIF tag
_TURNING = frozenset({"exif", "xmp"})  # entries that may hold the orientation of a JPEG
_UPRIGHT = {  # EXIF orientation -> the operation that reverts it
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_image(
    image: str | os.PathLike[str] | bytes | bytearray | memoryview | Image.Image | np.ndarray,
    max_pixels: int = MAX_PIXELS,
    name: str = "",
) -> np.ndarray:
    """Decode an image to uint8 RGB (H, W, 3), upright.

    EXIF orientation is applied; grey is repeated over the channels; 16-bit grey is scaled to 8 bits;
    transparent parts are composited on white; palette and CMYK become RGB.

    Args:
        image: a path, the bytes of an encoded file, a PIL image, or a uint8 array (H, W), (H, W, 1),
            (H, W, 3) RGB or (H, W, 4) RGBA.
        max_pixels: width times height above this is refused before decoding.
        name: what messages call the image; default its path or kind.

    Raises:
        ImageError: it is missing, broken, truncated, too large, or its pixel values have no known range.

    >>> read_image(np.zeros((2, 3), np.uint8)).shape
    (2, 3, 3)
    """
    if isinstance(image, np.ndarray):
        return _from_array(image, max_pixels, name or "the array")
    if isinstance(image, Image.Image):
        return _from_pil(image, max_pixels, name or "the image")
    if isinstance(image, bytes | bytearray | memoryview):
        return _from_bytes(bytes(image), max_pixels, name or f"the {len(image)} bytes given")
    if isinstance(image, str | os.PathLike):
        name = name or os.fspath(image)
        return _from_bytes(read_file(image, name), max_pixels, name)
    raise ImageError(
        f"cannot read an image from a {type(image).__name__}; expected a path, bytes, a PIL image or an array"
    )


def read_file(path: str | os.PathLike[str], name: str = "") -> bytes:
    """The bytes of an encoded image file.

    Raises:
        ImageError: it is missing, not a regular file, unreadable, or larger than MAX_BYTES.
    """
    name = name or os.fspath(path)
    try:
        path = local_path(path, compare=False)
    except (ConfigError, DataError, DownloadError) as error:
        raise ImageError(str(error)) from error
    try:
        if not path.is_file():
            raise ImageError(f"{name}: {'not a regular file' if path.exists() else 'no such image'}")
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ImageError(f"{name}: {size} bytes is above the limit of {MAX_BYTES} for one image")
        return path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise ImageError(f"{name}: cannot be read ({_one_line(error)})") from error


def png_bytes(image: np.ndarray) -> bytes:
    """Encode uint8 RGB (H, W, 3) without loss."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, format="PNG", compress_level=3)
    return stream.getvalue()


def _from_array(array: np.ndarray, max_pixels: int, name: str) -> np.ndarray:
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or channels not in (1, 3, 4) or array.size == 0:
        raise ImageError(
            f"{name}: {array.dtype} of shape {array.shape} is not an image; "
            "expected uint8 (H, W), (H, W, 1), (H, W, 3) or (H, W, 4)"
        )
    _check_size(array.shape[1], array.shape[0], max_pixels, name)
    if channels == 4:
        return _on_white(Image.fromarray(np.ascontiguousarray(array)))
    if channels == 1:
        return np.repeat(array.reshape(*array.shape[:2], 1), 3, axis=2)
    return np.ascontiguousarray(array)


def _from_bytes(data: bytes, max_pixels: int, name: str) -> np.ndarray:
    if not data:
        raise ImageError(f"{name}: the file is empty")
    if data.startswith(b"\xff\xd8\xff") and data.count(_SCAN) > MAX_SCANS and _many_scans(data):
        raise ImageError(f"{name}: a JPEG with more than {MAX_SCANS} scans, which would take minutes to decode")
    # Pillow raises many kinds of exception for broken files; to the caller all are an ImageError.
    if data.startswith(b"\xff\xd8\xff") and b"Exif\0" not in data[:_EXIF_WITHIN]:
        pixels = decode_plain_jpeg(data, max_pixels)
        if pixels is not None:
            return pixels
        try:  # the common JPEG, opened directly: faster than probing formats
            opened: Image.Image = JpegImagePlugin.JpegImageFile(io.BytesIO(data))
        except Exception as error:
            raise ImageError(f"{name}: not a readable JPEG ({_one_line(error)})") from error
        return _from_pil(opened, max_pixels, name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's own limit and notes on unusual files; max_pixels decides
        try:
            opened = Image.open(io.BytesIO(data), formats=FORMATS)
        except Exception as error:
            reason = "" if isinstance(error, Image.UnidentifiedImageError) else f" ({_one_line(error)})"
            raise ImageError(f"{name}: not an image in a known format{reason}") from error
        return _from_pil(opened, max_pixels, name)


def _many_scans(data: bytes) -> bool:
    """Whether a JPEG has more than ``MAX_SCANS`` scans; bytes in its metadata and after its end are not counted."""
    at, scans = 2, 0
    while (marker := _MARKER.search(data, at)) is not None and marker.group() != b"\xff\xd9" and scans <= MAX_SCANS:
        scans += marker.group() == _SCAN
        at = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2], "big")
    return scans > MAX_SCANS


def _from_pil(image: Image.Image, max_pixels: int, name: str) -> np.ndarray:
    _check_size(*image.size, max_pixels, name)
    try:
        image.load()
        plain = isinstance(image, JpegImagePlugin.JpegImageFile) and not image.info.keys() & _TURNING
        if plain and image.mode == "RGB":
            return np.array(image)  # a copy, because Pillow's own view is read-only
        return _to_rgb(_upright(image), name)
    except ImageError:
        raise
    except Exception as error:
        raise ImageError(f"{name}: broken or truncated image ({_one_line(error)})") from error


def _check_size(width: int, height: int, max_pixels: int, name: str) -> None:
    if width < 1 or height < 1:
        raise ImageError(f"{name}: an image of {width} x {height} has no pixels")
    if width * height > max_pixels:
        raise ImageError(f"{name}: {width} x {height} pixels is above the limit of {max_pixels}")


def _upright(image: Image.Image) -> Image.Image:
    try:
        method = _UPRIGHT.get(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # a broken EXIF block has no orientation; the pixels are still good
        method = None
    return image if method is None else image.transpose(method)


def _to_rgb(image: Image.Image, name: str) -> np.ndarray:
    sixteen_bit = image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM"))
    if sixteen_bit:
        wide = np.asarray(image).astype(np.uint32)  # (H, W)
        narrow = ((wide * 255 + 32767) // 65535).astype(np.uint8)  # round(value / 257)
        return np.repeat(narrow[:, :, None], 3, axis=2)
    if image.mode in ("I", "F"):
        raise ImageError(f"{name}: pixels of Pillow mode {image.mode!r} have no known range; save it with 8 or 16 bits")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        return _on_white(image.convert("RGBA"))
    return np.array(image.convert("RGB"))


def _on_white(image: Image.Image) -> np.ndarray:
    white = Image.new("RGBA", image.size, (255, 255, 255, 255))
    return np.array(Image.alpha_composite(white, image).convert("RGB"))


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
