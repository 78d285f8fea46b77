"""Classes that do not use facezoo, on torch."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


class Network(nn.Module):
    """Two convolutions, a norm that the zoo has not, and a linear layer."""

    def __init__(self, width=8, embedding_size=16):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, width, 3, 2), nn.GroupNorm(2, width), nn.ReLU(), nn.Conv2d(width, width, 3, 2), nn.ReLU(),
        )  # fmt: skip
        self.bn = nn.BatchNorm1d(width)
        self.output = nn.Linear(width, embedding_size)

    def forward(self, x):
        return self.output(self.bn(self.features(x).mean((2, 3))))


class Classifier(nn.Module):
    """Cosine softmax with a running mean of the loss, kept as a buffer."""

    def __init__(self, embedding_size, num_classes, scale=16.0):
        super().__init__()
        self.scale = scale
        self.weight = nn.Parameter(torch.randn(num_classes, embedding_size))
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, embeddings, labels):
        if self.training:
            self.seen += 1
        logits = self.scale * F.normalize(embeddings) @ F.normalize(self.weight).t()
        return F.cross_entropy(logits, labels)


class Flat(nn.Module):
    """Gives a map, not an embedding."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x):
        return self.conv(x)


class Pair(Flat):
    """Gives two things."""

    def forward(self, x):
        return x, x


class Rows(Classifier):
    """Gives one loss per sample."""

    def forward(self, embeddings, labels):
        return F.cross_entropy(embeddings @ self.weight.t(), labels, reduction="none")


class Constant(Classifier):
    """Gives a loss that does not depend on the embeddings."""

    def forward(self, embeddings, labels):
        return self.weight.sum()


class Broken(Classifier):
    """Fails."""

    def forward(self, embeddings, labels):
        raise RuntimeError("no luck today")
