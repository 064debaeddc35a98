"""Train a small network on handwritten digits with PyTorch Lightning.

python examples/frameworks/lightning_digits.py   # in a Git repository, with gittrack[lightning], scikit-learn
"""

from __future__ import annotations

import tempfile

import lightning
import torch
from sklearn.datasets import load_digits
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from gittrack.integrations.lightning import GittrackLogger


class Digits(lightning.LightningModule):
    """One hidden layer."""

    def __init__(self, width: int = 32, lr: float = 0.01) -> None:  # noqa: ARG002  (a hyperparameter)
        """Remember the settings, which the logger keeps as params."""
        super().__init__()
        self.save_hyperparameters()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(64, width), torch.nn.ReLU(), torch.nn.Linear(width, 10)
        )

    def training_step(self, batch: list[torch.Tensor], _: int) -> torch.Tensor:
        """Return the loss of a batch."""
        loss = functional.cross_entropy(self.layers(batch[0]), batch[1])
        self.log("train_loss", loss, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch: list[torch.Tensor], _: int) -> None:
        """Log the accuracy."""
        self.log("val_acc", (self.layers(batch[0]).argmax(1) == batch[1]).float().mean())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return the optimizer."""
        return torch.optim.Adam(self.parameters(), self.hparams.lr)


lightning.seed_everything(0, verbose=False)
x, y = load_digits(return_X_y=True)
data = TensorDataset(torch.tensor(x / 16, dtype=torch.float32), torch.tensor(y))
train, val = torch.utils.data.random_split(data, [1400, len(data) - 1400])
with tempfile.TemporaryDirectory() as folder:
    logger = GittrackLogger("digits by lightning", log_model=True)
    trainer = lightning.Trainer(
        max_epochs=3,
        accelerator="cpu",
        devices=1,
        logger=logger,
        default_root_dir=folder,
        enable_progress_bar=False,
        enable_model_summary=False,
        log_every_n_steps=10,
    )
    trainer.fit(Digits(), DataLoader(train, 64, shuffle=True), DataLoader(val, 256))
    print(f"accuracy {trainer.callback_metrics['val_acc']:.3f}")
