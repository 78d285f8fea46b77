"""A float canvas with the template coordinates of each pixel."""

from __future__ import annotations

import math

import numpy as np

from facezoo.data.drawing.shot import Shot

SIDE = 112.0  # of the template
MIDDLE = (56.0, 72.0)  # centre of the head's rotation

Window = tuple[slice, slice]


class Canvas:
    """Planar RGB, float32 (3, size, size), 0..255, and template coordinates ``x``, ``y`` of each pixel.

    Args:
        size: side in pixels.
        shot: pose of the head and of the camera.
        landmarks: (x, y) of the five landmarks of a frontal face, (5, 2); the turned head is moved so that
            their mean stays in place, as after alignment.
    """

    def __init__(self, size: int, shot: Shot, landmarks: np.ndarray) -> None:
        self.size = size
        self.pixels = np.empty((3, size, size), np.float32)
        self._sin_yaw, self._cos_yaw = math.sin(shot.yaw), math.cos(shot.yaw)
        self._sin_pitch, self._cos_pitch = math.sin(shot.pitch), math.cos(shot.pitch)
        self._move = (0.0, 0.0)
        turned = np.array([self.turn(x, y) for x, y in landmarks])  # (5, 2)
        self._move = tuple((landmarks - turned).mean(axis=0))
        scale, pixel = shot.scale * size / SIDE, size / SIDE
        self._a, self._b = scale * math.cos(shot.roll), scale * math.sin(shot.roll)
        self._to = ((MIDDLE[0] + shot.shift[0]) * pixel, (MIDDLE[1] + shot.shift[1]) * pixel)
        self.solid = np.zeros((size, size), np.float32)  # 1 where the head and its hair are
        self.soft = 1.0 / scale  # one pixel, in template pixels
        column = (np.arange(size, dtype=np.float32) + np.float32(0.5 - self._to[0]))[None, :]
        row = (np.arange(size, dtype=np.float32) + np.float32(0.5 - self._to[1]))[:, None]
        a, b = np.float32(self._a / scale**2), np.float32(self._b / scale**2)
        self.x = column * a + row * b + np.float32(MIDDLE[0])
        self.y = row * a - column * b + np.float32(MIDDLE[1])

    def turn(self, x: float, y: float, raised: float = 0.0) -> tuple[float, float]:
        """A point of the frontal face after the head has turned; ``raised`` is its height above the head's surface."""
        dx, dy = x - MIDDLE[0], y - MIDDLE[1]
        depth = 26.0 * (1.0 - (dx / 60.0) ** 2 - (dy / 75.0) ** 2) + raised
        return (
            MIDDLE[0] + dx * self._cos_yaw + depth * self._sin_yaw + self._move[0],
            MIDDLE[1] + dy * self._cos_pitch + depth * self._sin_pitch + self._move[1],
        )

    def head(self, y: float) -> tuple[float, float]:
        """The axis of the head, which lies behind the face, after the head has turned."""
        return MIDDLE[0] + self._move[0] + 5 * self._sin_yaw, (
            MIDDLE[1] + (y - MIDDLE[1]) * self._cos_pitch + self._move[1] + 5 * self._sin_pitch
        )

    def narrowing(self, x: float) -> float:
        """Factor on widths at ``x`` of the frontal face, as that part turns towards or away from the camera."""
        return min(1.25, max(0.35, self._cos_yaw - self._sin_yaw * (x - MIDDLE[0]) / 55.0))

    def to_pixels(self, x: float, y: float) -> tuple[float, float]:
        """Template coordinates to (column, row) of the canvas; 0.5 is the centre of the first pixel."""
        dx, dy = x - MIDDLE[0], y - MIDDLE[1]
        return self._a * dx - self._b * dy + self._to[0], self._b * dx + self._a * dy + self._to[1]

    def window(self, x: float, y: float, rx: float, ry: float) -> Window:
        """The pixels around a box of half sizes rx, ry; may be empty."""
        column, row = self.to_pixels(x, y)
        half_w = self._a * rx + abs(self._b) * ry + 2
        half_h = self._a * ry + abs(self._b) * rx + 2
        return (
            slice(max(0, int(row - half_h)), max(0, min(self.size, int(row + half_h) + 1))),
            slice(max(0, int(column - half_w)), max(0, min(self.size, int(column + half_w) + 1))),
        )

    def everywhere(self) -> Window:
        """All pixels."""
        return slice(0, self.size), slice(0, self.size)

    def paint(self, window: Window, cover: np.ndarray, colour: np.ndarray) -> None:
        """Blend ``colour`` (3,) or (3, h, w) into the window with the opacity ``cover`` (h, w), 0..1."""
        part = self.pixels[:, window[0], window[1]]
        part += cover * (colour.reshape(3, *(colour.shape[1:] or (1, 1))) - part)

    def cover(self, distance: np.ndarray, colour: np.ndarray) -> None:
        """Paint ``colour`` where a signed distance (size, size) is negative, as part of the head."""
        area = self.edge(distance)
        self.paint(self.everywhere(), area, colour)
        np.maximum(self.solid, area, out=self.solid)

    def shade(self, window: Window, factor: np.ndarray) -> None:
        """Multiply by ``factor`` (h, w)."""
        self.pixels[:, window[0], window[1]] *= factor

    def edge(self, distance: np.ndarray, soft: float = 0.0) -> np.ndarray:
        """1 inside (negative distance, in template pixels), 0 outside, with a ramp of one pixel or of ``soft``."""
        width = np.float32(max(soft, self.soft))
        return np.clip(np.float32(0.5) - distance / width, 0.0, 1.0)

    def ellipse(
        self,
        x: float,
        y: float,
        rx: float,
        ry: float,
        colour: np.ndarray,
        *,
        slope: float = 0.0,
        soft: float = 0.0,
        alpha: float = 1.0,
    ) -> None:
        """An ellipse; ``slope`` tilts it (rise of y per x)."""
        window = self.window(x, y, rx + soft, ry + soft + abs(slope) * rx)
        dx = self.x[window] - np.float32(x)
        u, v = dx / np.float32(rx), (self.y[window] - np.float32(y) - dx * np.float32(slope)) / np.float32(ry)
        distance = (np.sqrt(u * u + v * v) - 1) * np.float32(min(rx, ry))
        self.paint(window, self.edge(distance, soft) * np.float32(alpha), colour)

    def glow(self, x: float, y: float, rx: float, ry: float, colour: np.ndarray, alpha: float) -> None:
        """A soft spot whose opacity falls to 0 at the edge of the ellipse."""
        window = self.window(x, y, rx, ry)
        u = (self.x[window] - np.float32(x)) / np.float32(rx)
        v = (self.y[window] - np.float32(y)) / np.float32(ry)
        fall = np.maximum(1 - u * u - v * v, 0)
        self.paint(window, fall * fall * np.float32(alpha), colour)
