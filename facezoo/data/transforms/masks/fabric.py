"""Textures of masks, drawn by code: colour, pattern, folds, outline and straps."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from facezoo.data.transforms.masks.shapes import SHAPES, Shape, closed_outline, placed

LEFT, RIGHT, TOP, BOTTOM = -54.0, 54.0, 40.0, 128.0  # of the frame
PATTERNS = ("plain", "dots", "stripes", "checks", "camouflage", "flowers", "print")
# usual colours, RGB
SURGICAL = (
    (150, 203, 232), (124, 187, 226), (135, 205, 190), (110, 190, 175), (238, 240, 242), (235, 190, 205), (40, 41, 45),
)  # fmt: skip
CLOTH = (
    (30, 31, 34), (22, 24, 30), (38, 48, 82), (40, 44, 52), (120, 30, 45), (112, 116, 122), (235, 235, 232),
    (70, 88, 110),
)  # fmt: skip
RESPIRATOR = ((240, 241, 242), (236, 238, 240), (228, 232, 236), (238, 236, 230), (45, 46, 50))


@lru_cache(maxsize=4)
def _frame(factor: float) -> tuple[np.ndarray, np.ndarray]:
    """U and y of each pixel of a texture, float32 (H, W)."""
    columns, rows = round((RIGHT - LEFT) * factor), round((BOTTOM - TOP) * factor)
    u = LEFT + (np.arange(columns, dtype=np.float32) + 0.5) / factor
    y = TOP + (np.arange(rows, dtype=np.float32) + 0.5) / factor
    u, y = np.meshgrid(u, y)
    u.setflags(write=False)
    y.setflags(write=False)
    return u, y


def to_pixels(points: np.ndarray, factor: float) -> np.ndarray:
    """Positions (..., 2) of the frame in pixels of the texture; integers are pixel centres."""
    return (points - np.array([LEFT, TOP])) * factor - 0.5


def draw_mask(kind: str, worn: str, rng: np.random.Generator, factor: float = 1.5) -> np.ndarray:
    """The texture of a mask, float32 (H, W, 4): RGB times opacity, and opacity 0..1.

    RGB is 0..255, and more where folds catch light.

    Args:
        kind: one of ``KINDS``.
        worn: one of ``WORN``.
        rng: of colour, pattern and folds.
        factor: pixels of the texture per unit.
    """
    shape = SHAPES[kind]
    u, y = _frame(factor)
    outline = placed(closed_outline(shape, rng.uniform(0.98, 1.09), rng.uniform(0.97, 1.04)), worn)
    outline[:, 1] += rng.normal(0.0, 1.0)
    colour = _colour(shape, rng)
    light = _folds(shape, u, placed_back(y, worn), rng) * _wrinkles(u.shape, rng)
    size = (u.shape[1], u.shape[0])
    opacity = _polygon(size, to_pixels(outline, factor))
    hem = _line(size, to_pixels(np.vstack([outline, outline[:1]]), factor), 1.6 * factor)
    light *= 1 + rng.uniform(0.1, 0.6) * (float(rng.choice([0.72, 1.15])) - 1) * hem
    straps = _straps(shape, worn, size, factor, rng)
    strap = np.array(colour if rng.random() < 0.3 else _near_grey(colour, rng), np.float32)
    texture = np.empty((*u.shape, 4), np.float32)
    np.multiply(_pattern(shape, colour, u, y, rng), (light * opacity)[..., None], out=texture[..., :3])
    rows, columns = np.nonzero(straps > opacity)
    texture[rows, columns, :3] += strap * (straps - opacity)[rows, columns, None]
    np.maximum(opacity, straps, out=texture[..., 3])
    return texture


def placed_back(y: np.ndarray, worn: str) -> np.ndarray:
    """Heights of the mask as worn over the nose, for its folds."""
    if worn == "over the nose":
        return y
    top, squeeze = (79.0, 0.72) if worn == "under the nose" else (100.0, 0.42)
    return 58.0 + (y - top) / squeeze


def _near_grey(colour: Any, rng: np.random.Generator) -> tuple[float, float, float]:
    value = 236.0 if sum(colour) > 300 or rng.random() < 0.3 else 45.0
    return (value, value, value)


def _colour(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    if shape.patterned:
        hue, saturation, value = rng.random(), rng.uniform(0.1, 0.85), rng.uniform(0.15, 0.95)
        base = 255 * value * (1 - saturation * np.clip(np.abs((hue * 6 + np.array([0, 4, 2])) % 6 - 3) - 1, 0, 1))
        return np.asarray(base, np.float32)
    usual = {"pleats": SURGICAL, "seam": CLOTH, "none": CLOTH}.get(shape.folds, RESPIRATOR)
    return np.clip(np.array(usual[rng.integers(len(usual))]) + rng.normal(0, 6, 3), 8, 248).astype(np.float32)


def _folds(shape: Shape, u: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Factor on the brightness, float32 (H, W)."""
    if shape.folds == "pleats":
        light = np.ones_like(u)
        for at in (np.array([76.0, 87.0, 98.0]) + rng.normal(0, 1.2, 3)).tolist():
            below = y - at - 0.0025 * u**2 * rng.uniform(0.2, 1.0)
            # the lower edge of each pleat throws a shadow, and its upper side catches light
            light = light - 0.2 * np.exp(-((below / 0.9) ** 2)) + 0.06 * np.exp(-(((below + 2.5) / 1.8) ** 2))
        return light - 0.06 * np.exp(-(((y - 63.5 - 0.006 * u**2) / 1.0) ** 2))
    if shape.folds in ("seam", "crease"):
        sharp = 1.0 if shape.folds == "crease" else 0.6
        side = float(rng.choice([-1.0, 1.0])) * rng.uniform(0.02, 0.08)
        light = 1.0 - 0.12 * sharp * np.exp(-((u / 0.8) ** 2)) + side * np.tanh(u / 5)
        if shape.folds == "crease" and rng.random() < 0.7:
            light = light - 0.05 * (np.sin(y * 2.2) > 0.6) * (np.abs(np.abs(u) - 31) < 2.5)
        return np.asarray(light, np.float32)
    if shape.folds == "cup":
        light = 1.05 - 0.09 * (u / 28) ** 2 - 0.07 * ((y - 84) / 28) ** 2
        if rng.random() < 0.4:  # a valve
            light = light - 0.12 * ((u / 5.5) ** 2 + ((y - 92) / 5.5) ** 2 < 1)
        return np.maximum(light, 0.6)
    if shape.folds == "panels":
        light = np.ones_like(u)
        for at, bend in ((75.0, 0.004), (97.0, -0.006)):
            below = y - at - bend * u**2
            light = light - 0.13 * np.exp(-((below / 0.9) ** 2)) + 0.05 * np.tanh(-below / 4)
        return light
    return np.ones_like(u)


def _wrinkles(size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Soft irregular light and dark, about 1."""
    coarse = rng.normal(1.0, 0.07, (8, 10)).astype(np.float32)
    grown = Image.fromarray(coarse).resize((size[1], size[0]), Image.Resampling.BICUBIC)
    return np.asarray(grown)


def _pattern(shape: Shape, colour: np.ndarray, u: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Colours before folds, float32 (H, W, 3)."""
    name = PATTERNS[rng.integers(1, len(PATTERNS))] if shape.patterned else "plain"
    plain = np.broadcast_to(colour, (*u.shape, 3))
    if name == "plain":
        return plain
    other = np.clip(255 - colour + rng.normal(0, 60, 3), 0, 255).astype(np.float32)
    turn = rng.uniform(-0.8, 0.8)
    cos, sin = math.cos(turn), math.sin(turn)
    a, b = u * cos + y * sin, y * cos - u * sin
    step = rng.uniform(3.0, 9.0)
    if name == "dots":
        chosen = (a % step - step / 2) ** 2 + (b % step - step / 2) ** 2 < (step * rng.uniform(0.15, 0.38)) ** 2
    elif name == "stripes":
        chosen = a % step < step * rng.uniform(0.15, 0.6)
    elif name == "checks":
        chosen = (a % step < step / 2) ^ (b % step < step / 2)
    else:
        return _painted(name, colour, other, u.shape, rng)
    return np.where(chosen[..., None], other, plain)


def _painted(
    name: str, colour: np.ndarray, other: np.ndarray, size: tuple[int, int], rng: np.random.Generator
) -> np.ndarray:
    """Camouflage, flowers, or a print in the middle."""
    picture = Image.new("RGB", (size[1], size[0]), tuple(int(value) for value in colour))
    draw = ImageDraw.Draw(picture)
    if name == "print":
        width, height = size[1] * rng.uniform(0.1, 0.3), size[0] * rng.uniform(0.08, 0.25)
        x, y = size[1] * rng.uniform(0.35, 0.65), size[0] * rng.uniform(0.45, 0.65)
        draw.ellipse([x - width / 2, y - height / 2, x + width / 2, y + height / 2], fill=_ink(other))
        draw.rectangle([x - width / 5, y - height / 5, x + width / 5, y + height / 5], fill=_ink(colour))
        return np.asarray(picture, np.float32)
    colours = [other, np.clip(colour * rng.uniform(0.4, 1.6), 0, 255), rng.uniform(20, 235, 3)]
    grow = 0.09 if name == "camouflage" else 0.035
    for number in range(40 if name == "camouflage" else 70):
        x, y = rng.random() * size[1], rng.random() * size[0]
        wide, high = size[1] * grow * rng.uniform(0.4, 1.4, 2)
        draw.ellipse([x - wide, y - high, x + wide, y + high], fill=_ink(colours[number % 3]))
    return np.asarray(picture, np.float32)


def _ink(colour: np.ndarray) -> tuple[int, ...]:
    return tuple(int(value) for value in np.clip(colour, 0, 255))


def _polygon(size: tuple[int, int], points: np.ndarray) -> np.ndarray:
    picture = Image.new("L", size)
    ImageDraw.Draw(picture).polygon([(x, y) for x, y in points.tolist()], fill=255)
    return np.asarray(picture.filter(ImageFilter.BoxBlur(1)), np.float32) / 255


def _line(size: tuple[int, int], points: np.ndarray, width: float) -> np.ndarray:
    picture = Image.new("L", size)
    ImageDraw.Draw(picture).line([(x, y) for x, y in points.tolist()], fill=255, width=max(1, round(width)))
    return np.asarray(picture.filter(ImageFilter.BoxBlur(1)), np.float32) / 255


def _straps(shape: Shape, worn: str, size: tuple[int, int], factor: float, rng: np.random.Generator) -> np.ndarray:
    picture = Image.new("L", size)
    draw = ImageDraw.Draw(picture)
    width = max(1, round(rng.uniform(0.9, 1.8) * factor))
    sag, share = rng.uniform(0.0, 3.0), np.linspace(0, 1, 6)[:, None]
    for begin, end in shape.straps:
        line = np.array(begin) * (1 - share) + np.array(end) * share
        line[:, 1] += 4 * sag * (share * (1 - share))[:, 0]
        line[:, 1] = placed(line, worn)[:, 1] * (1 - share[:, 0]) + line[:, 1] * share[:, 0]
        for side in (-1, 1):
            points = to_pixels(line * [side, 1], factor)
            draw.line([(x, y) for x, y in points.tolist()], fill=235, width=width)
    return np.asarray(picture.filter(ImageFilter.BoxBlur(0.7)), np.float32) / 255
