"""The colours of all pages and pictures, each for a light and a dark background."""

from __future__ import annotations

# name -> (light, dark). Text on BACKGROUND has a contrast of at least 4.5 (WCAG 2.2, 1.4.3); a test computes it.
PALETTE = {
    "background": ("#ffffff", "#14171a"),
    "panel": ("#f4f5f7", "#1e2327"),
    "line": ("#d9dce0", "#3a4248"),
    "text": ("#1b1d1f", "#e8eaed"),
    "muted": ("#565c63", "#aab2ba"),
    "note": ("#7a4a00", "#f0c070"),
    "link": ("#1a5fb4", "#8ab8ff"),
}
SERIES = (  # of curves, in their order
    ("#1f5fa8", "#6fb1ff"),
    ("#b5361d", "#ff9277"),
    ("#2a7340", "#74cf8f"),
    ("#7a3fa0", "#c9a2ff"),
    ("#8a5300", "#ffb95c"),
    ("#00696f", "#5fd3da"),
)


def style(prefix: str = "") -> str:
    """CSS that sets ``--NAME`` for each colour, by the reader's preference; series are ``--series-0`` and so on.

    Args:
        prefix: of the selector, as ":root".
    """
    names = [*PALETTE, *(f"series-{number}" for number in range(len(SERIES)))]
    pairs = [*PALETTE.values(), *SERIES]
    light, dark = (";".join(f"--{name}:{pair[at]}" for name, pair in zip(names, pairs, strict=True)) for at in (0, 1))
    return f"{prefix}{{{light}}}@media (prefers-color-scheme:dark){{{prefix}{{{dark}}}}}"


def contrast(first: str, second: str) -> float:
    """Contrast of two colours ``#rrggbb``, 1 to 21 (WCAG 2.2, relative luminance of sRGB).

    >>> round(contrast("#000000", "#ffffff"))
    21
    """
    darker, lighter = sorted((_luminance(first), _luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
