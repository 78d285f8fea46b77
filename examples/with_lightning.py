"""A LightningModule: backbone and loss of facezoo, several processes, compilation.

pip install lightning
python examples/with_lightning.py --devices 2
"""

from __future__ import annotations

import argparse
import warnings
from typing import Any

import lightning
import torch
from synthetic_data import IDENTITIES, torch_loader

import facezoo


class FaceModel(lightning.LightningModule):
    """Images (N, 3, 64, 64) to embeddings; the loss is a module like any other, so it is trained and saved."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = facezoo.create_backbone(
            "MobileFaceNet", backend="torch", embedding_size=64, input_size=64, seed=0
        )
        self.head = facezoo.create_head(
            "CosFace", backend="torch", embedding_size=64, num_classes=IDENTITIES, scale=16.0, seed=0
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Embeddings (N, 64)."""
        return self.backbone(images)

    def training_step(self, batch: list[torch.Tensor], index: int) -> torch.Tensor:
        """The loss of a batch."""
        images, labels = batch
        loss = self.head(self(images), labels)
        self.log("loss", loss, prog_bar=True)
        return loss

    def configure_optimizers(self) -> Any:
        """AdamW on backbone and head."""
        return torch.optim.AdamW(self.parameters(), lr=1e-3)


def main(argv: list[str] | None = None) -> float:
    """Train; the last loss."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--devices", type=int, default=1, help="processes")
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args(argv)
    warnings.filterwarnings("ignore", category=UserWarning, module="lightning")
    model = FaceModel()
    if options.compile:
        model.head.compile()
    trainer = lightning.Trainer(
        max_steps=options.steps, accelerator="auto", devices=options.devices,
        strategy="ddp" if options.devices > 1 else "auto", logger=False, enable_checkpointing=False,
        enable_model_summary=False, enable_progress_bar=False,
    )  # fmt: skip
    trainer.fit(model, torch_loader())
    loss = float(trainer.callback_metrics["loss"])
    if trainer.is_global_zero:
        print(f"{options.devices} processes, {options.steps} steps: loss {loss:.3f}")
        facezoo.save_weights(model.backbone, "lightning.safetensors")  # for evaluate, export, verify
    return loss


if __name__ == "__main__":
    main()
