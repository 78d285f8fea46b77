"""The Trainer of Hugging Face Transformers with a backbone and a loss of facezoo.

pip install transformers accelerate
python examples/with_transformers.py
"""

from __future__ import annotations

import argparse
import tempfile

import torch
from synthetic_data import IDENTITIES, torch_dataset
from transformers import Trainer, TrainingArguments

import facezoo


class FaceClassifier(torch.nn.Module):
    """What the Trainer expects: keyword arguments in, a dictionary with ``loss`` and ``logits`` out."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = facezoo.create_backbone(
            "MobileFaceNet", backend="torch", embedding_size=64, input_size=64, seed=0
        )
        self.head = facezoo.create_head(
            "CosFace", backend="torch", embedding_size=64, num_classes=IDENTITIES, scale=16.0, seed=0
        )

    def forward(self, pixel_values: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        """Loss, and cosines without the margin (N, classes) as logits."""
        embeddings = self.backbone(pixel_values)
        return {"loss": self.head(embeddings, labels), "logits": self.head.cosines(embeddings)}


def collate(samples: list[tuple[torch.Tensor, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """A batch with the names of ``forward``."""
    images, labels = zip(*samples, strict=True)
    return {"pixel_values": torch.stack(images), "labels": torch.stack(labels)}


def main(argv: list[str] | None = None) -> float:
    """Train and evaluate; the loss of the evaluation."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=16)
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder, max_steps=options.steps, per_device_train_batch_size=16, learning_rate=1e-3, report_to="none",
            remove_unused_columns=False, label_names=["labels"], save_strategy="no", disable_tqdm=True,
        )  # fmt: skip
        data = torch_dataset()
        trainer = Trainer(
            FaceClassifier(), arguments, data_collator=collate, train_dataset=data, eval_dataset=data,
            compute_metrics=lambda found: {"accuracy": float((found[0].argmax(1) == found[1]).mean())},
        )  # fmt: skip
        trainer.train()
        result = trainer.evaluate()
    print(f"loss {result['eval_loss']:.3f}, accuracy {result['eval_accuracy']:.2f}")
    return result["eval_loss"]


if __name__ == "__main__":
    main()
