"""Augmentation of training images: masks, geometry, colour, occlusion and resolution.

All colour changes are affine in RGB, so they are multiplied into one 3x4 matrix, applied in one pass of Pillow's C
code and clipped once at the end. Cropping and scaling are one resampling. The recipe of the papers takes about 0.1 ms
for a 112x112 image.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from facezoo.data.transforms.colour import ColourChange
from facezoo.data.transforms.masks.wear import choose_mask
from facezoo.errors import ConfigError, UnknownNameError

Range = tuple[float, float]

_PROBABILITIES = ("mask", "mask_mesh", "mask_low", "flip", "colour", "grayscale", "crop", "jitter", "erase",
                  "low_resolution", "blur")  # fmt: skip


@dataclass(frozen=True)
class Augmentation:
    """Random changes of a training image; call it with an image and a generator.

    The defaults are the recipe of the papers: flip, brightness, contrast, saturation and hue with factors in
    [0.6, 1.4], PCA noise of standard deviation 0.1 (Krizhevsky et al. 2012, section 4.1). Names without a range are
    probabilities, 0..1; a range ``(1, 1)`` switches a colour factor off.

    Attributes:
        flip: mirror left and right.
        colour: change colours; the five settings below then all apply.
        brightness: factor on all values, above 0.
        contrast: factor on the distance from the image's mean grey, 0 or more.
        saturation: factor on the distance from each pixel's own grey, 0 or more.
        hue: factor f rotates the hue by (f - 1) * 180 degrees in YIQ, so 0.6..1.4 is +-72 degrees.
        pca_noise: standard deviation of the three weights of the RGB principal components, 0 or more.
        grayscale: remove all colour.
        crop: crop to a share ``crop_scale`` of the area, with an aspect ratio within ``crop_ratio``, and enlarge.
        jitter: scale by ``jitter_scale`` and shift by up to ``jitter_shift`` of the side; edges are repeated.
        erase: fill a rectangle of ``erase_area`` of the area with noise (Zhong et al. 2020).
        low_resolution: shrink to a share of the side within ``low_resolution_scale`` and enlarge again.
        blur: Gaussian blur with a standard deviation within ``blur_radius`` pixels.
        mask: draw a mask on the face, aligned by ``arcface112``, ``arcfaceN`` or ``sphereface96x112``.
        mask_mesh: share of the masks that are drawn in three dimensions; the others are flat.
        mask_low: share of the masks that are worn under the nose or at the chin.
    """

    flip: float = 0.5
    colour: float = 1.0
    brightness: Range = (0.6, 1.4)
    contrast: Range = (0.6, 1.4)
    saturation: Range = (0.6, 1.4)
    hue: Range = (0.6, 1.4)
    pca_noise: float = 0.1
    grayscale: float = 0.0
    crop: float = 0.0
    crop_scale: Range = (0.75, 1.0)
    crop_ratio: Range = (0.9, 1.1)
    jitter: float = 0.0
    jitter_scale: Range = (0.9, 1.1)
    jitter_shift: float = 0.05
    erase: float = 0.0
    erase_area: Range = (0.02, 0.2)
    low_resolution: float = 0.0
    low_resolution_scale: Range = (0.3, 0.8)
    blur: float = 0.0
    blur_radius: Range = (0.3, 1.5)
    mask: float = 0.0
    mask_mesh: float = 0.5
    mask_low: float = 0.1

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(field.default, tuple):
                low, high = _pair(field.name, value)
                object.__setattr__(self, field.name, (low, high))  # a list from YAML becomes hashable
            elif isinstance(value, bool) or not isinstance(value, (int, float)):
                raise ConfigError(f"augmentation's {field.name} is {value!r}; expected a number")
            elif not 0.0 <= value <= (1.0 if field.name in _PROBABILITIES else 10.0):
                raise ConfigError(f"augmentation's {field.name} is {value}; expected 0..1")
        for name in ("crop_scale", "erase_area", "low_resolution_scale"):
            if not 0.0 < getattr(self, name)[0] <= getattr(self, name)[1] <= 1.0:
                raise ConfigError(f"augmentation's {name} is {getattr(self, name)}; expected above 0, at most 1")

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The changed image, a new array of the same shape.

        Args:
            image: uint8 RGB (H, W, 3).
            rng: the only source of randomness, so a change can be repeated from its seed.
        """
        size = (image.shape[1], image.shape[0])
        if self.mask and rng.random() < self.mask:
            image = choose_mask(rng, mesh_share=self.mask_mesh, low_share=self.mask_low).draw(image, rng)
        picture = self._cut(image, rng)
        if self.flip and rng.random() < self.flip:
            picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        if self.blur and rng.random() < self.blur:
            picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(*self.blur_radius)))
        if self.low_resolution and rng.random() < self.low_resolution:
            share = rng.uniform(*self.low_resolution_scale)
            small = (max(1, round(size[0] * share)), max(1, round(size[1] * share)))
            picture = picture.resize(small, Image.Resampling.BOX).resize(size, Image.Resampling.BILINEAR)
        picture = self._recolour(picture, image, rng)
        result = np.array(picture)  # (H, W, 3)
        if self.erase and rng.random() < self.erase:
            self._erase(result, rng)
        return result

    def _cut(self, image: np.ndarray, rng: np.random.Generator) -> Image.Image:
        """Crop and jitter as one box of the image, resampled once."""
        height, width = image.shape[:2]
        x0, y0, w, h = 0.0, 0.0, float(width), float(height)
        if self.jitter and rng.random() < self.jitter:
            scale = rng.uniform(*self.jitter_scale)
            shift = rng.uniform(-self.jitter_shift, self.jitter_shift, 2)
            w, h = w / scale, h / scale
            x0, y0 = (width - w) / 2 + shift[0] * width, (height - h) / 2 + shift[1] * height
        if self.crop and rng.random() < self.crop:
            area, ratio = rng.uniform(*self.crop_scale), np.exp(rng.uniform(*np.log(self.crop_ratio)))
            part_w, part_h = w * min(1.0, (area * ratio) ** 0.5), h * min(1.0, (area / ratio) ** 0.5)
            x0, y0 = x0 + rng.random() * (w - part_w), y0 + rng.random() * (h - part_h)
            w, h = part_w, part_h
        if (x0, y0, w, h) == (0.0, 0.0, width, height):
            return Image.fromarray(image)
        margin = int(np.ceil(max(0.0, -x0, -y0, x0 + w - width, y0 + h - height)))
        if margin:
            image = np.pad(image, ((margin, margin), (margin, margin), (0, 0)), mode="edge")
        left, top = x0 + margin, y0 + margin
        box = (left, top, min(left + w, image.shape[1]), min(top + h, image.shape[0]))
        return Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR, box=box)

    def _recolour(self, picture: Image.Image, image: np.ndarray, rng: np.random.Generator) -> Image.Image:
        change = ColourChange(image[::4, ::4].mean(axis=(0, 1)))  # a sixteenth of the pixels is enough for the mean
        if self.colour and rng.random() < self.colour:
            change.brightness(rng.uniform(*self.brightness))
            change.contrast(rng.uniform(*self.contrast))
            change.saturation(rng.uniform(*self.saturation))
            change.hue(rng.uniform(*self.hue))
            change.pca_noise(rng.normal(0.0, self.pca_noise, 3))
        if self.grayscale and rng.random() < self.grayscale:
            change.saturation(0.0)
        return change.apply(picture)

    def _erase(self, image: np.ndarray, rng: np.random.Generator) -> None:
        height, width = image.shape[:2]
        area, ratio = rng.uniform(*self.erase_area), np.exp(rng.uniform(np.log(0.3), np.log(1 / 0.3)))
        h = min(height, max(1, round(height * (area * ratio) ** 0.5)))
        w = min(width, max(1, round(width * (area / ratio) ** 0.5)))
        top, left = int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1))
        image[top : top + h, left : left + w] = rng.integers(0, 256, (h, w, 3), dtype=np.uint8)


def _pair(name: str, value: Any) -> Range:
    """A checked (low, high)."""
    numbers = isinstance(value, (tuple, list)) and all(isinstance(item, (int, float)) for item in value)
    ordered = numbers and len(value) == 2 and 0.0 <= value[0] <= value[1]
    if not ordered:
        raise ConfigError(f"augmentation's {name} is {value!r}; expected two numbers, 0 <= low <= high")
    return (float(value[0]), float(value[1]))


_OFF: Range = (1.0, 1.0)
AUGMENTATIONS: dict[str, Augmentation | None] = {
    "none": None,
    "flip": Augmentation(colour=0.0),
    "paper": Augmentation(),
    "light": Augmentation(saturation=_OFF, hue=_OFF, pca_noise=0.0, crop=0.8, erase=0.3),
    "masked": Augmentation(saturation=_OFF, hue=_OFF, pca_noise=0.0, crop=0.8, erase=0.3, mask=0.15),
    "strong": Augmentation(
        hue=(0.95, 1.05), jitter=0.5, crop=0.5, erase=0.4, grayscale=0.1, low_resolution=0.2, blur=0.1
    ),
}


def create_augmentation(name: str, **changes: Any) -> Augmentation | None:
    """A recipe by name ("none" gives None), with single settings replaced.

    >>> create_augmentation("paper", erase=0.5).erase
    0.5

    Raises:
        ConfigError: the name, a setting's name or its value is not valid.
    """
    if name not in AUGMENTATIONS:
        raise UnknownNameError("augmentation", name, AUGMENTATIONS)
    known: Mapping[str, Any] = {field.name: field for field in dataclasses.fields(Augmentation)}
    for setting in changes:
        if setting not in known:
            raise UnknownNameError("augmentation setting", setting, known)
    base = AUGMENTATIONS[name]
    if base is None and changes:
        raise ConfigError(f"augmentation 'none' takes no settings, got {', '.join(changes)}; choose 'flip' or 'paper'")
    return dataclasses.replace(base, **changes) if base and changes else base
