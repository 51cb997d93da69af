"""What is kept of every epoch: its metrics, the last and the best checkpoint, when to stop."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuro.checkpoint import load_tree, save_tree
from neuro.errors import require

if TYPE_CHECKING:
    import lightning as L  # noqa: N812 (its own convention)
else:
    L = require("lightning", "train")

from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint
from lightning.pytorch.plugins.io import CheckpointIO

Epoch = dict[str, float]


class History(Callback):
    """Metrics of every epoch; saved in checkpoints, so that a resumed run has them all."""

    def __init__(self) -> None:
        self.epochs: list[Epoch] = []

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        self.epochs.append({"epoch": float(trainer.current_epoch), **metrics})

    def state_dict(self) -> dict[str, Any]:
        return {"epochs": self.epochs}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.epochs = list(state_dict["epochs"])


class Checkpoint(ModelCheckpoint):
    """A checkpoint in our own format."""

    FILE_EXTENSION = ".safetensors"  # pyright: ignore[reportAssignmentType]


class Narrow(Callback):
    """Looks at the epochs from `first` on: before, the kernels of learned delays are wide."""

    first = 0

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if trainer.current_epoch >= self.first:
            super().on_train_epoch_end(trainer, pl_module)

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if trainer.current_epoch >= self.first:
            super().on_validation_end(trainer, pl_module)


class Best(Narrow, Checkpoint):
    """The epoch with the lowest validation loss."""


class Patience(Narrow, EarlyStopping):
    """Stops once that loss falls no more."""


class SafeCheckpoints(CheckpointIO):
    """Checkpoints as safetensors plus JSON, written atomically; no pickle anywhere."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None
    ) -> None:
        save_tree(path, checkpoint)

    def load_checkpoint(
        self, path: Any, map_location: Any | None = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        return load_tree(path)

    def remove_checkpoint(self, path: Any) -> None:
        Path(path).unlink(missing_ok=True)
