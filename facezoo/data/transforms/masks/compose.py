"""A drawn mask laid over an image: brightness and cast of the photo, soft edges, and a shadow on the skin."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

from facezoo.specs.preprocess import LUMA

_LUMA = np.array(LUMA, np.float32)
_WHITE = 172.0  # luma of well lit skin's highlights, at which a mask keeps the brightness of its texture
_SHADOW = 0.3  # darkest share that the mask's shadow takes


def luma_of(image: np.ndarray, blur: float) -> np.ndarray:
    """The blurred luma of a uint8 RGB image, float32 (H, W)."""
    grey = Image.fromarray(image).convert("L")
    return np.asarray(grey.filter(ImageFilter.GaussianBlur(blur)), np.float32)


def highlights(luma: np.ndarray, landmarks: np.ndarray) -> float:
    """The luma of the lighter parts of the face between its landmarks."""
    height, width = luma.shape
    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    x0, y0 = np.clip(low, 0, [width - 2, height - 2]).astype(int)
    x1, y1 = np.clip(high + 1, [x0 + 2, y0 + 2], [width, height]).astype(int)
    return float(np.clip(np.percentile(luma[y0:y1:2, x0:x1:2], 85), 20, 255))


def tone(image: np.ndarray, bright: float) -> np.ndarray:
    """Factor (3,) on a texture's RGB: how the photo is exposed, and a part of its cast.

    Args:
        image: uint8 RGB (H, W, 3).
        bright: of :func:`highlights`.
    """
    mean = image[::8, ::8].reshape(-1, 3).mean(axis=0) + 1.0
    cast = np.clip(mean / float(mean @ _LUMA), 0.7, 1.4) ** 0.2
    return np.asarray(np.clip(bright / _WHITE, 0.3, 1.08) ** 0.8 * cast, np.float32)


def lay_over(
    image: np.ndarray, place: np.ndarray, colour: np.ndarray, scale: float, rng: np.random.Generator
) -> np.ndarray:
    """The image with a mask, uint8 RGB (H, W, 3), a new array.

    Args:
        image: uint8 RGB (H, W, 3).
        place: int (n,), pixels of the mask as y * W + x.
        colour: float (n, 4), RGB 0..255 times opacity, and opacity 0..1; it may be changed.
        scale: pixels of the image per pixel of the template of 112.
        rng: of the grain.
    """
    height, width = image.shape[:2]
    coarse = image[::8, ::8].astype(np.float32)
    vivid = min(1.0, float(np.ptp(coarse, axis=2).mean()) / 12)  # 0 for a grey photo, whose masks are grey too
    if vivid < 1.0:
        grey = (colour[:, :3] @ _LUMA)[:, None]
        colour[:, :3] = grey + vivid * (colour[:, :3] - grey)
    layer = np.zeros((height * width, 4), np.uint8)
    grain = rng.normal(0.0, 1.5, (len(place), 1)).astype(np.float32) * colour[:, 3:]
    layer[place, :3] = np.clip(colour[:, :3] + grain, 0, 255 * colour[:, 3:])
    layer[place, 3] = 255 * np.clip(colour[:, 3], 0, 1)
    picture = Image.fromarray(layer.reshape(height, width, 4), "RGBA")
    soft = np.asarray(picture.filter(ImageFilter.GaussianBlur(0.55 * max(1.0, scale))), np.float32)
    opacity = soft[..., 3:] / 255
    shade = np.asarray(picture.getchannel("A").filter(ImageFilter.BoxBlur(2.5 * scale)), np.float32) / 255
    down = max(1, round(1.2 * scale))
    shade[down:] = shade[:-down]
    under = image * (1 - _SHADOW * shade[..., None] * (1 - opacity))
    return np.clip(under * (1 - opacity) + soft[..., :3] + 0.5, 0, 255).astype(np.uint8)
