"""The picture of README.md: from photo to figure, on synthetic faces.

facezoo train --config tiny_mobilefacenet --backend torch --seed 0 --out runs/tiny
python docs/picture.py --weights runs/tiny/weights.safetensors
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.lines import Line2D
from PIL import Image

import facezoo
from facezoo.data.sources.synthetic import SyntheticFaces
from facezoo.data.tools.draw_pairs import draw_pairs
from facezoo.evaluation import pair_scores, verification

OUT = Path(__file__).resolve().parent / "assets" / "photo-to-figure.png"
BACKENDS = ("torch", "paddle")
SAME, OTHER, INK = "#00897b", "#e64a19", "#263238"
SHOWN = ((4, 0), (4, 3), (10, 0))  # person and image
PERSONS = 40  # of the figure; none of them is in the training set
PHOTO = 190  # pixels
ANGLES = (-14.0, 9.0, 17.0)


def photo(faces: SyntheticFaces, index: int, angle: float) -> tuple[np.ndarray, np.ndarray]:
    """A face turned in a larger photo, whose margin continues the border pixels, and its five landmarks."""
    margin = PHOTO - faces.size
    wide = np.pad(faces.image(index), ((margin, margin), (margin, margin), (0, 0)), mode="edge")
    turned = Image.fromarray(wide).rotate(angle, resample=Image.Resampling.BICUBIC)
    cut = (len(wide) - PHOTO) // 2
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    points = (faces.landmarks(index) - faces.size / 2) @ np.array([[cos, -sin], [sin, cos]])
    return np.asarray(turned)[cut : cut + PHOTO, cut : cut + PHOTO], points + PHOTO / 2


def figures(weights: Path) -> dict[str, Any]:
    """Scores of pairs of new persons on each backend."""
    faces = SyntheticFaces(PERSONS, 10, seed=0, size=64, first_identity=1000)
    pairs, same = draw_pairs(faces.labels, 1200, seed=0)
    crops = np.stack([faces.image(index) for index in range(len(faces))])
    found = {}
    for backend in BACKENDS:
        embeddings = facezoo.Embedder(weights, backend=backend).embed(crops)
        scores = pair_scores(embeddings, pairs[:, 0], pairs[:, 1])
        found[backend] = (scores, verification(scores, same))
    return {"same": same, **found}


def main() -> None:
    """Draw and save the picture."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    mpl.rcParams.update({"font.size": 11, "text.color": INK, "axes.edgecolor": INK, "xtick.color": INK})
    large = SyntheticFaces(PERSONS, 10, seed=0, size=140, first_identity=1000)
    photos = [photo(large, 10 * person + k, angle) for (person, k), angle in zip(SHOWN, ANGLES, strict=True)]
    crops = [facezoo.align_face(image, points) for image, points in photos]
    small = np.stack([np.asarray(Image.fromarray(crop).resize((64, 64), Image.Resampling.BOX)) for crop in crops])
    embeddings = {name: facezoo.Embedder(options.weights, backend=name).embed(small) for name in BACKENDS}

    picture, axes = plt.subplots(3, 5, figsize=(12, 4.8), width_ratios=[1, 1, 1.5, 1.1, 2.2], dpi=80)
    picture.subplots_adjust(0.01, 0.1, 0.985, 0.88, wspace=0.16, hspace=0.1)
    for axis in axes.flat:
        axis.axis("off")
    for row, ((image, points), crop) in enumerate(zip(photos, crops, strict=True)):
        axes[row, 0].imshow(image)
        axes[row, 0].plot(points[:, 0], points[:, 1], "o", color="white", mec=INK, ms=4)
        axes[row, 1].imshow(crop)
        strips = np.concatenate([embeddings[name][row].reshape(4, -1) for name in BACKENDS])
        axes[row, 2].imshow(
            np.insert(strips, 4, np.nan, axis=0), cmap="coolwarm", vmin=-0.25, vmax=0.25, extent=(8, 40, 9, 0)
        )
        for name, height in zip(BACKENDS, (2, 7), strict=True):
            axes[row, 2].text(7.2, height, name, ha="right", va="center", fontsize=10)
        axes[row, 2].set_xlim(0, 40)
    for column, title in enumerate(("photo, landmarks", "aligned crop", "embedding", "cosine")):
        left, _, width, _ = axes[0, column].get_position(original=True).bounds
        picture.text(left + width / 2, 0.93, title, ha="center", fontsize=13, fontweight="bold")
    for row, (a, b, colour, word) in enumerate([(0, 1, SAME, "same person"), (1, 2, OTHER, "two persons")]):
        lines = [f"{name} {embeddings[name][a] @ embeddings[name][b]:.4f}" for name in BACKENDS]
        axis = axes[row, 3]
        axis.text(0.58, -0.05, "\n".join([word, *lines]), ha="center", va="center", color=colour, fontsize=11)
        text = axis.get_position(original=True)
        for at, height in ((a, text.y0 + 0.02), (b, text.y0 - 0.05)):
            box = axes[at, 2].get_position(original=True)
            ends = ([box.x1 + 0.002, text.x0 + 0.012], [box.y0 + box.height / 2, height])
            picture.add_artist(Line2D(*ends, transform=picture.transFigure, color=colour, lw=1.5))
    _figure(picture, axes, figures(options.weights))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    picture.savefig(options.out, facecolor="white")
    with Image.open(options.out) as drawn:
        drawn.convert("P", palette=Image.Palette.ADAPTIVE, colors=256).save(options.out, optimize=True)
    print(options.out)


def _figure(picture: Any, axes: Any, found: dict[str, Any]) -> None:
    """The last column: scores of all pairs, and the accuracy on each backend."""
    axis = picture.add_subplot(axes[0, 4].get_gridspec()[:, 4])
    scores, same = found["torch"][0], found["same"]
    bins = np.linspace(scores.min(), 1, 40)
    axis.hist(scores[~same], bins, color=OTHER, alpha=0.7, label="two persons")
    axis.hist(scores[same], bins, color=SAME, alpha=0.7, label="same person")
    axis.set_yticks([])
    axis.set_xlabel("cosine")
    axis.spines[["left", "right", "top"]].set_visible(False)
    axis.legend(frameon=False, loc="center left", fontsize=10)
    lines = []
    for name in BACKENDS:
        result = found[name][1]
        low, high = result.interval
        lines.append(f"{name}: {100 * result.accuracy:.2f} % ({100 * low:.1f} to {100 * high:.1f})")
    left, _, width, _ = axes[0, 4].get_position(original=True).bounds
    picture.text(left + width / 2, 0.93, "accuracy, 95 % interval", ha="center", fontsize=13, fontweight="bold")
    picture.text(left + width / 2, 0.825, "\n".join(lines), ha="center", fontsize=11)
    axis.set_ylim(0, axis.get_ylim()[1] * 1.25)


if __name__ == "__main__":
    main()
