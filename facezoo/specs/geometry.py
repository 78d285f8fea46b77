"""Sizes that many families compute alike: maps after strides, widths after a multiplier, TensorFlow's padding."""

from __future__ import annotations


def halved(size: tuple[int, int], times: int) -> tuple[int, int]:
    """(H, W) of a map after ``times`` steps of stride 2 that round up, as odd kernels padded by k // 2 do.

    >>> halved((112, 112), 5)
    (4, 4)
    """
    return (-(-size[0] // 2**times), -(-size[1] // 2**times))


def rounded(width: float, divisor: int = 8) -> int:
    """The nearest multiple of ``divisor``, never below ``divisor`` nor more than a tenth below ``width``.

    >>> rounded(32 * 1.1)
    32
    """
    value = max(divisor, int(width + divisor / 2) // divisor * divisor)
    return value if value >= 0.9 * width else value + divisor


def same_padding(size: tuple[int, int], kernel: int, stride: int) -> tuple[int, int, int, int]:
    """Padding (left, right, top, bottom) that gives ``ceil(side / stride)`` outputs, as TensorFlow's SAME.

    >>> same_padding((224, 224), 3, 2)
    (0, 1, 0, 1)
    """
    height, width = (max((-(-side // stride) - 1) * stride + kernel - side, 0) for side in size)
    return width // 2, width - width // 2, height // 2, height - height // 2
