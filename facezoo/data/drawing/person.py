"""A synthetic identity: shape, colours and features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facezoo.rng import generator

Colour = np.ndarray  # float32 (3,), 0..255

_SKIN = np.array([[74, 47, 35], [128, 86, 62], [176, 126, 96], [214, 168, 138], [240, 206, 184]], np.float32)
_HAIR = np.array(
    [[24, 20, 20], [52, 36, 28], [92, 62, 40], [128, 62, 36], [186, 146, 88], [222, 198, 146], [150, 148, 148]],
    np.float32,
)
_IRIS = np.array(
    [[48, 30, 20], [92, 58, 32], [104, 96, 48], [72, 108, 76], [76, 116, 158], [112, 122, 130]], np.float32
)


@dataclass(frozen=True)
class Person:
    """One identity. Lengths are in template pixels, 0..112.

    Attributes:
        skin, hair, iris, lips, brows: RGB colours.
        width: half width of the head at the cheeks.
        top: height of the skull above the eyes.
        chin: distance of the chin below the mouth.
        taper: how much the jaw narrows, 0..1.
        square: how square the chin is, 0..1.
        ears: how far the ears protrude.
        eye_gap: half the distance between the eyes.
        eye: (half width, half height) of an eye.
        eye_tilt: outer corners up, as a slope.
        iris_size: radius.
        lid: how much of the eye the upper lid covers, 0..1.
        brow: (height above the eye, half length, thickness, arch, slope).
        nose: (length, half width, bridge half width, darkness of the sides).
        mouth: (half width, upper lip, lower lip, drop below the nose, slope of the corners).
        cheeks: redness of the cheeks, 0..1.
        bags: darkness under the eyes, 0..1.
        hairline: height of the hairline above the eyes; large means bald.
        parting: x of the highest point of the hairline, relative to the middle.
        fringe: how much the hairline falls towards the sides.
        volume: height of the hair above the skull.
        length: template y down to which the hair reaches at the sides; 0 is short hair.
        texture: (contrast, strand width) of the hair.
        beard: density of a full beard, 0..1.
        moustache: density of a moustache, 0..1.
        glasses: half height of the lenses, worn in most images; 0 is none.
        marks: (x, y, radius, darkness) of moles and freckles, (M, 4).
        lines: depth of the lines beside nose and mouth, 0..1.
        pattern: float32 (16, 16), 0..1, the person's own skin pattern.
    """

    skin: Colour
    hair: Colour
    iris: Colour
    lips: Colour
    brows: Colour
    width: float
    top: float
    chin: float
    taper: float
    square: float
    ears: float
    eye_gap: float
    eye: tuple[float, float]
    eye_tilt: float
    iris_size: float
    lid: float
    brow: tuple[float, float, float, float, float]
    nose: tuple[float, float, float, float]
    mouth: tuple[float, float, float, float, float]
    cheeks: float
    bags: float
    hairline: float
    parting: float
    fringe: float
    volume: float
    length: float
    texture: tuple[float, float]
    beard: float
    moustache: float
    glasses: float
    marks: np.ndarray
    lines: float
    pattern: np.ndarray


def random_person(seed: int, number: int) -> Person:
    """Identity ``number`` of the population ``seed``.

    >>> random_person(0, 3).width == random_person(0, 3).width
    True
    """
    rng = generator(seed, "person", number)

    def between(low: float, high: float) -> float:
        return float(low + (high - low) * (rng.random() + rng.random()) / 2)  # triangular distribution

    def chance(share: float) -> bool:
        return bool(rng.random() < share)

    tone = rng.random() * (len(_SKIN) - 1)
    skin = _blend(_SKIN, tone) + _jitter(rng, 9)
    dark = tone < 1.5  # dark skin mostly comes with dark hair and eyes
    hair = _HAIR[rng.integers(0, 2 if dark and chance(0.85) else len(_HAIR))] + _jitter(rng, 12)
    iris = _IRIS[rng.integers(0, 2 if dark and chance(0.9) else len(_IRIS))] + _jitter(rng, 8)
    red = np.array([150, 58, 62], np.float32)
    lips = skin + (red - skin) * np.float32(between(0.2, 0.75))
    brows = hair * np.float32(between(0.55, 0.95))
    bearded, bald, long = chance(0.22), chance(0.1), chance(0.45)
    return Person(
        skin=skin,
        hair=np.clip(hair, 8, 245),
        iris=np.clip(iris, 10, 200),
        lips=lips,
        brows=np.clip(brows, 8, 220),
        width=between(33.0, 47.0),
        top=between(38.0, 50.0),
        chin=between(13.0, 26.0),
        taper=between(0.04, 0.5),
        square=between(0.0, 1.0),
        ears=between(0.0, 6.0) if not long else 0.0,
        eye_gap=between(14.5, 20.5),
        eye=(between(5.6, 9.2), between(2.4, 4.8)),
        eye_tilt=between(-0.2, 0.25),
        iris_size=between(2.5, 3.9),
        lid=between(0.0, 0.55),
        brow=(between(6.5, 12.5), between(7.0, 11.5), between(0.8, 3.2), between(-0.5, 3.5), between(-0.2, 0.2)),
        nose=(between(15.0, 25.0), between(4.5, 10.0), between(1.8, 4.4), between(0.2, 0.9)),
        mouth=(between(10.5, 18.5), between(1.0, 3.8), between(1.6, 5.2), between(16.5, 24.5), between(-0.12, 0.12)),
        cheeks=between(0.0, 0.8),
        bags=between(0.0, 0.8),
        hairline=60.0 if bald else between(19.0, 37.0),
        parting=between(-26.0, 26.0),
        fringe=between(0.0, 0.022),
        volume=0.5 if bald else between(1.0, 12.0),
        length=between(80.0, 140.0) if long and not bald else 0.0,
        texture=(between(0.05, 0.45), between(1.5, 5.0)),
        beard=between(0.3, 1.0) if bearded else 0.0,
        moustache=between(0.3, 1.0) if (bearded and chance(0.7)) or chance(0.05) else 0.0,
        glasses=between(6.0, 9.5) if chance(0.14) else 0.0,
        marks=_marks(rng),
        lines=between(0.0, 0.9),
        pattern=rng.random((16, 16), dtype=np.float32),
    )


def _blend(table: np.ndarray, place: float) -> Colour:
    """Linear interpolation between two neighbours of a table of colours."""
    low = min(int(place), len(table) - 2)
    return table[low] + (table[low + 1] - table[low]) * np.float32(place - low)


def _jitter(rng: np.random.Generator, amount: float) -> Colour:
    return ((rng.random(3) * 2 - 1) * amount).astype(np.float32)


def _marks(rng: np.random.Generator) -> np.ndarray:
    """Up to four moles, and freckles on one person in five."""
    moles = int(rng.integers(0, 5))
    freckles = int(rng.integers(10, 26)) if rng.random() < 0.2 else 0
    marks = np.empty((moles + freckles, 4))
    marks[:moles, 1] = 40 + rng.random(moles) * 60
    marks[moles:, 1] = 62 + rng.random(freckles) * 18
    reach = 26 - 0.012 * (marks[:, 1] - 62) ** 2  # the face narrows towards the chin
    marks[:, 0] = (rng.random(len(marks)) * 2 - 1) * reach
    marks[:moles, 2:] = np.stack([0.7 + rng.random(moles) * 1.1, 0.4 + rng.random(moles) * 0.4], axis=1)
    marks[moles:, 2:] = np.stack([0.5 + rng.random(freckles) * 0.4, 0.15 + rng.random(freckles) * 0.2], axis=1)
    return marks
