"""Plots of pages: matplotlib drawings as SVG pictures whose colours follow the reader's light or dark setting."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from facezoo.io.colours import PALETTE, SERIES, style
from facezoo.io.html import Picture, data_address, missing

SIZE = (5.2, 3.6)  # of a plot, in inches
TEXT, MUTED, LINE = (PALETTE[name][0] for name in ("text", "muted", "line"))
FEW = 30  # points up to which a curve gets a marker at each


@dataclass(frozen=True)
class Series:
    """One curve.

    Attributes:
        name: for the legend.
        x: (n,), ascending.
        y: (n,); values that are not finite leave a gap.
        low: (n,), lower end of the band around the curve, or None.
        high: (n,), upper end, or None.
        smooth: draw the running mean over the curve, which then is pale.
    """

    name: str
    x: Sequence[float] | np.ndarray
    y: Sequence[float] | np.ndarray
    low: Sequence[float] | np.ndarray | None = None
    high: Sequence[float] | np.ndarray | None = None
    smooth: bool = False


@dataclass(frozen=True)
class Mark:
    """A marked place of the horizontal axis, as the begin of a stage or the step that was kept."""

    x: float
    name: str


@dataclass(frozen=True)
class Axis:
    """An axis.

    Attributes:
        label: with the unit.
        logarithmic: or linear.
        least: smallest length of a linear axis, so that noise is not enlarged to the whole height.
        bounds: limits of possible values; the axis does not pass them.
        limits: both ends, instead of those of the data.
    """

    label: str
    logarithmic: bool = False
    least: float = 0.0
    bounds: tuple[float, float] = field(default=(-math.inf, math.inf))
    limits: tuple[float, float] | None = None

    def ends(self, values: np.ndarray) -> tuple[float, float] | None:
        """The ends for these values; None leaves them to matplotlib."""
        if self.limits is not None:
            return self.limits
        finite = values[np.isfinite(values)]
        if self.logarithmic or not len(finite) or not self.least:
            return None
        low, high = float(finite.min()), float(finite.max())
        room = max(self.least - (high - low), 0.1 * (high - low)) / 2
        low, high = low - room, high + room
        low, high = low - max(0.0, high - self.bounds[1]), high + max(0.0, self.bounds[0] - low)
        return max(low, self.bounds[0]), min(high, self.bounds[1])


def plot_series(
    series: Sequence[Series], x: Axis, y: Axis, *, title: str = "", marks: Sequence[Mark] = (), steps: bool = False
) -> Picture:
    """Curves over one axis, with bands, marked places and a legend if there are several.

    Args:
        series: the curves; an empty one is left out.
        x: the horizontal axis.
        y: the vertical axis.
        title: above the plot.
        marks: places of the horizontal axis, each a line with its name.
        steps: draw steps that keep a value up to the next point, instead of straight lines.

    Raises:
        BackendUnavailableError: matplotlib is not installed.
    """
    shown = [item for item in series if len(item.x)]

    def draw(axes: Any) -> None:
        for number, item in enumerate(shown):
            _draw_series(axes, item, SERIES[number % len(SERIES)][0], steps)
        axes.set(xlabel=x.label, ylabel=y.label, title=title)
        for axis, scale, limits in ((x, axes.set_xscale, axes.set_xlim), (y, axes.set_yscale, axes.set_ylim)):
            if axis.logarithmic:
                scale("log")
            ends = axis.ends(_values(shown, axis is y))
            if ends is not None and ends[0] < ends[1]:
                limits(*ends)
        for mark in marks:
            _draw_mark(axes, mark)
        if len(shown) > 1:
            axes.legend(fontsize=8, frameon=False, labelcolor=TEXT)

    return Picture(title or y.label, plot(draw), _described(title or y.label, shown, x, y, marks))


def _draw_mark(axes: Any, mark: Mark) -> None:
    """A dashed line with its name on the side where there is room; the limits of the axes are set."""
    low, high = axes.get_xlim()
    side = ("right", f"{mark.name} ") if mark.x > low + 0.9 * (high - low) else ("left", f" {mark.name}")
    axes.axvline(mark.x, color=MUTED, linewidth=0.9, linestyle=(0, (2, 2)))
    axes.annotate(
        side[1], (mark.x, 0.98), xycoords=("data", "axes fraction"), fontsize=8, color=MUTED, ha=side[0], va="top",
    )  # fmt: skip


def _values(shown: Sequence[Series], vertical: bool) -> np.ndarray:
    lists = [(item.y, item.low, item.high) if vertical else (item.x,) for item in shown]
    arrays = [np.asarray(values, float) for values in sum(lists, ()) if values is not None]
    return np.concatenate(arrays) if arrays else np.zeros(0)


def _draw_series(axes: Any, item: Series, colour: str, steps: bool) -> None:
    how = {"drawstyle": "steps-post"} if steps else {}
    x, y = np.asarray(item.x, float), np.asarray(item.y, float)
    if item.low is not None and item.high is not None:
        if len(x) == 1:
            axes.vlines(x, item.low, item.high, color=colour, linewidth=1.2)
        else:
            axes.fill_between(x, item.low, item.high, step="post" if steps else None, color=colour, alpha=0.2, lw=0)
    marker = "o" if len(x) <= FEW and not steps else None
    if len(x) == 1:
        axes.annotate(f"{y[0]:.4g} ", (x[0], y[0]), ha="right", va="bottom", fontsize=9, color=colour)
    if item.smooth and len(x) > FEW:
        axes.plot(x, y, linewidth=0.8, alpha=0.35, color=colour)
        axes.plot(x, smoothed(y), linewidth=1.6, label=item.name, color=colour)
    else:
        axes.plot(x, y, linewidth=1.4, marker=marker, markersize=3.5, label=item.name, color=colour, **how)


def smoothed(values: np.ndarray, share: float = 0.03) -> np.ndarray:
    """Running mean over a window of ``share`` of the values, at least 5; shorter at the ends, so that it has no lag.

    >>> smoothed(np.array([0.0, 3.0, 0.0])).tolist()
    [1.5, 1.0, 1.5]
    """
    values = np.asarray(values, float)
    half = min(max(2, round(len(values) * share / 2)), (len(values) - 1) // 2)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    first = np.maximum(np.arange(len(values)) - half, 0)
    last = np.minimum(np.arange(len(values)) + half + 1, len(values))
    return (sums[last] - sums[first]) / (last - first)


def _described(name: str, shown: Sequence[Series], x: Axis, y: Axis, marks: Sequence[Mark]) -> str:
    """The alternative text: what is drawn, and where each curve begins and ends."""
    if not shown:
        return f"{name}: no values yet"
    parts = []
    for item in shown[:6]:
        values = np.asarray(item.y, float)
        if not np.isfinite(values).any():
            continue
        ends = f"{values[0]:.4g} at {item.x[0]:.4g} to {values[-1]:.4g} at {item.x[-1]:.4g}"
        parts.append(f"{item.name} from {ends}, between {np.nanmin(values):.4g} and {np.nanmax(values):.4g}")
    parts += [f"{mark.name} at {mark.x:.6g}" for mark in marks]
    return f"{name}: {y.label} over {x.label}; " + "; ".join(parts)


def plot(draw: Callable[[Any], None], size: tuple[float, float] = SIZE) -> str:
    """A matplotlib plot as the data address of an SVG; needs no display.

    Colours of ``facezoo.io.colours``, taken from the light side, follow the reader's light or dark setting.

    Args:
        draw: draws on the matplotlib axes that it gets.
        size: width and height in inches.

    Raises:
        BackendUnavailableError: matplotlib is not installed.
    """
    try:
        import matplotlib
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure
    except ImportError as error:
        raise missing("matplotlib") from error
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasSVG(figure)
    figure.patch.set_visible(False)
    axes = figure.add_subplot()
    axes.patch.set_visible(False)
    axes.set_prop_cycle(color=[light for light, _ in SERIES])
    draw(axes)
    axes.grid(True, which="major", color=LINE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(which="both", colors=MUTED, labelcolor=TEXT, labelsize=9)
    for text in (axes.title, axes.xaxis.label, axes.yaxis.label):
        text.set_color(TEXT)
    for side, spine in axes.spines.items():
        spine.set_visible(side not in ("top", "right"))
        spine.set_color(MUTED)
    buffer = io.StringIO()
    # equal pages for equal runs: the names of clipping paths come from the salt
    with matplotlib.rc_context({"svg.hashsalt": "facezoo", "svg.fonttype": "path"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return data_address(_with_variables(buffer.getvalue()).encode(), "image/svg+xml")


def _with_variables(svg: str) -> str:
    """The SVG with CSS variables in place of the palette's colours."""
    pairs = [*((f"series-{number}", light) for number, (light, _) in enumerate(SERIES))]
    pairs += [(name, PALETTE[name][0]) for name in ("text", "muted", "line")]
    for name, light in pairs:
        svg = svg.replace(light, f"var(--{name})")
    head, tag, rest = svg.partition("<defs>")
    return f"{head}<style>{style('svg')}</style>{tag}{rest}"
