"""The training loop: PyTorch Lightning around a Module, resumable to the bit.

Order of samples, augmentation and any random layer depend on (seed, epoch, batch) alone, so a run
that was killed and resumed ends with the weights of one that never stopped.
"""

from __future__ import annotations

import json
import logging
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from neuro.checkpoint import load_tree, save_tree
from neuro.errors import InvalidValue, require
from neuro.train.losses import Loss, MembraneLoss, RateBand
from neuro.train.module import Module
from neuro.train.samples import Augment, Samples

if TYPE_CHECKING:
    import lightning as L  # noqa: N812 (its own convention)
else:
    L = require("lightning", "train")

from lightning.pytorch.callbacks import (
    Callback,
    EarlyStopping,
    ModelCheckpoint,
    RichProgressBar,
)
from lightning.pytorch.plugins.io import CheckpointIO

Epoch = dict[str, float]


@dataclass(frozen=True)
class Plan:
    """How to train.

    Args:
        epochs: passes through the training set, at most.
        batch_size: samples per step and process.
        learning_rate: peak of a cosine schedule without warm restarts (AdamW).
        neuron_rate: learning rate of neuron parameters, as a multiple of `learning_rate`.
        weight_decay: of weights only.
        patience: stop after so many epochs without a lower validation loss, and take the best;
            None to run all epochs and take the last.
        rate_band: penalty on the firing rates of every hidden population.
        clip: largest norm of the gradient.
        seed: of sample order, augmentation and random layers.
        devices: processes (CPU) or GPUs to train on.
        accelerator: "cpu", "cuda", ... or "auto", as in Lightning.
    """

    epochs: int = 20
    batch_size: int = 64
    learning_rate: float = 2e-3
    neuron_rate: float = 10.0
    weight_decay: float = 1e-4
    patience: int | None = None
    rate_band: RateBand | None = None
    clip: float = 1.0
    seed: int = 0
    devices: int = 1
    accelerator: str = "auto"

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "learning_rate", "clip", "devices"):
            if not getattr(self, name) > 0:
                raise InvalidValue(
                    f"Plan.{name}: got {getattr(self, name)}, expected a number above 0"
                )


@dataclass(frozen=True)
class Fit:
    """Result of a training run.

    `history` has one dictionary per epoch: epoch, train_loss, train_accuracy, val_loss,
    val_accuracy. `epoch` is the one whose weights the module has. `main` is false in the worker
    processes of a multi-process run.
    """

    history: list[Epoch] = field(default_factory=list)
    epoch: int = 0
    main: bool = True


def fit(
    module: Module,
    train: Samples,
    validation: Samples,
    plan: Plan,
    *,
    folder: str | Path,
    loss: Loss | None = None,
    augment: Augment | None = None,
    resume: bool = False,
    progress: bool = True,
) -> Fit:
    """Train a module in place.

    It ends with the weights of the last epoch, when the learning rate has come down to zero; or,
    with early stopping (`plan.patience`), with those of the best validation epoch.

    Args:
        module: its network's first output is the readout.
        train, validation: e.g. Samples(x, labels), or Samples(x, labels, lengths) of recordings
            that were padded to one T: the padding changes no loss, score or gradient.
        folder: receives `last.safetensors` after every epoch and `best.safetensors`.
        loss: MembraneLoss() by default.
        augment: changes a training batch [T, B, *units], with a generator for its randomness.
        resume: go on from `last.safetensors` if the folder has one; start afresh otherwise.
        progress: show a progress bar.

    Raises:
        InvalidValue: samples do not fit the network, or the checkpoint to resume from was made
            with another network or Plan.
        CorruptFile: the checkpoint to resume from is damaged.
        KeyboardInterrupt: Ctrl-C; everything up to the last whole epoch is in the folder.
    """
    folder = Path(folder)
    last = folder / "last.safetensors"
    history = _History()
    best = _Checkpoint(folder, "best", monitor="val_loss", enable_version_counter=False)
    # After `best`, so that the last checkpoint knows the best one of the same epoch.
    every = _Checkpoint(folder, "last", enable_version_counter=False)
    callbacks: list[Callback] = [history, best, every]
    if plan.patience is not None:
        callbacks.append(EarlyStopping("val_loss", patience=plan.patience))
    if progress:
        callbacks.append(RichProgressBar(leave=False))
    with _quiet():
        trainer = L.Trainer(
            accelerator=plan.accelerator,
            devices=plan.devices,
            strategy="ddp" if plan.devices > 1 else "auto",
            max_epochs=plan.epochs,
            callbacks=callbacks,
            plugins=[_SafeCheckpoints()],
            gradient_clip_val=plan.clip,
            deterministic=True,
            logger=False,
            enable_model_summary=False,
            enable_progress_bar=progress,
            use_distributed_sampler=False,
            num_sanity_val_steps=0,
        )
        task = _Classifier(module, plan, loss or MembraneLoss(), augment)
        data = _Data(train, validation, plan)
        try:
            trainer.fit(task, data, ckpt_path=str(last) if resume and last.exists() else None)
        except SystemExit:  # how Lightning ends after Ctrl-C; the caller shall see what it was
            if trainer.interrupted:
                raise KeyboardInterrupt from None
            raise
    losses = [epoch["val_loss"] for epoch in history.epochs]
    chosen = len(losses) - 1
    if plan.patience is not None:
        chosen = losses.index(min(losses))
        task.load_state_dict(load_tree(folder / "best.safetensors")["state_dict"])
    return Fit(history.epochs, chosen, trainer.is_global_zero)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what Lightning says of our deliberate choices, and leave no setting behind."""
    log = logging.getLogger("lightning.pytorch")
    level, deterministic = log.level, torch.are_deterministic_algorithms_enabled()
    on_interrupt = signal.getsignal(signal.SIGINT)
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            # The data is in memory: more workers would only copy it. The folder is ours to reuse.
            warnings.filterwarnings("ignore", message=".*does not have many workers.*")
            warnings.filterwarnings("ignore", message=".*exists and is not empty.*")
            # Lightning walks trees with a class that torch 2.13 deprecates.
            warnings.filterwarnings("ignore", message=".*LeafSpec.*")
            yield
    finally:
        log.setLevel(level)
        if signal.getsignal(signal.SIGINT) is not on_interrupt:  # Lightning ignores a second one
            signal.signal(signal.SIGINT, on_interrupt)
        torch.use_deterministic_algorithms(deterministic)


class _Classifier(L.LightningModule):
    """Loss, accuracy and optimiser of one classification run."""

    def __init__(self, module: Module, plan: Plan, loss: Loss, augment: Augment | None) -> None:
        super().__init__()
        self.module, self.plan, self.loss, self.augment = module, plan, loss, augment
        network = module.network()
        output = network.outputs[0]
        self.signal = f"{output}.{network.populations[output].emits}"
        self.hidden = [
            f"{name}.spikes"
            for name, neuron in network.neurons().items()
            if name != output and neuron.emits == "spikes"
        ]

    def _identity(self) -> dict[str, Any]:
        """What a checkpoint must agree on for a resumed run to equal one that never stopped."""
        structure, _ = self.module.network().plain()
        for population in structure["populations"].values():
            population.pop("parameters", None)  # values change as they are trained
        where = ("devices", "accelerator")
        plan = {k: v for k, v in asdict(self.plan).items() if k not in where}
        return {"network": json.dumps(structure), "plan": json.dumps(plan)}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["neuro"] = self._identity()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        stored, now = checkpoint.get("neuro"), self._identity()
        if stored == now:
            return
        if stored is None or stored["network"] != now["network"]:
            raise InvalidValue(
                "fit: the checkpoint to resume from belongs to another network. "
                "Pass the network it was made with, another folder, or resume=False."
            )
        old, new = json.loads(stored["plan"]), json.loads(now["plan"])
        changed = ", ".join(f"{k} {old.get(k)} -> {new[k]}" for k in new if old.get(k) != new[k])
        raise InvalidValue(
            f"fit: the checkpoint to resume from was made with another Plan: {changed}. "
            "Keep the Plan, or pass another folder or resume=False."
        )

    def on_train_epoch_start(self) -> None:
        # What is random inside the module must not depend on what ran before this epoch.
        torch.manual_seed(_mix(self.plan.seed, self.current_epoch, self.global_rank))

    def training_step(self, batch: tuple[Tensor, ...], index: int) -> Tensor:
        x, labels, *lengths = batch
        if self.augment is not None:
            seed = _mix(self.plan.seed, self.current_epoch, index, self.global_rank)
            x = self.augment(x, torch.Generator(device=x.device).manual_seed(seed))
        return self._loss("train", x, labels, *lengths)

    def validation_step(self, batch: tuple[Tensor, ...], index: int) -> None:
        self._loss("val", *batch)

    def _loss(self, split: str, x: Tensor, labels: Tensor, *lengths: Tensor) -> Tensor:
        """`lengths` are none or one, so that a loss without them goes on working."""
        band = self.plan.rate_band
        record, _ = self.module(x, record=self.hidden if band is not None else ())
        signal = record[self.signal]
        loss = self.loss(signal, labels, *lengths)
        if band is not None:
            loss = loss + sum(band(record[name], *lengths) for name in self.hidden)
        correct = (self.loss.scores(signal, *lengths).argmax(1) == labels).float().mean()
        for name, value in (("loss", loss), ("accuracy", correct)):
            self.log(
                f"{split}_{name}", value.detach(), on_step=False, on_epoch=True,
                prog_bar=name == "accuracy",
                batch_size=len(labels), sync_dist=self.plan.devices > 1,
            )  # fmt: skip
        return loss

    def configure_optimizers(self) -> Any:
        neuron = [p for n, p in self.module.named_parameters() if n.startswith("populations.")]
        weight = [p for n, p in self.module.named_parameters() if n.startswith("arrays.")]
        rate = self.plan.learning_rate
        optimizer = torch.optim.AdamW(
            [
                {"params": weight, "lr": rate, "weight_decay": self.plan.weight_decay},
                {"params": neuron, "lr": rate * self.plan.neuron_rate, "weight_decay": 0.0},
            ]
        )
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self.plan.epochs)
        return {"optimizer": optimizer, "lr_scheduler": schedule}


class _Data(L.LightningDataModule):
    """Hands each process its share of the samples."""

    def __init__(self, train: Samples, validation: Samples, plan: Plan) -> None:
        super().__init__()
        self.train, self.validation, self.plan = train, validation, plan

    def _loader(self, samples: Samples, shuffle: bool) -> Any:
        assert self.trainer is not None
        return samples.loader(
            self.plan.batch_size, shuffle=shuffle, seed=self.plan.seed,
            rank=self.trainer.global_rank, world_size=self.trainer.world_size,
        )  # fmt: skip

    def train_dataloader(self) -> Any:
        return self._loader(self.train, shuffle=True)

    def val_dataloader(self) -> Any:
        return self._loader(self.validation, shuffle=False)


class _History(Callback):
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


class _Checkpoint(ModelCheckpoint):
    FILE_EXTENSION = ".safetensors"  # pyright: ignore[reportAssignmentType]


class _SafeCheckpoints(CheckpointIO):
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


def _mix(*numbers: int) -> int:
    """One seed from several numbers, well spread (the same on every machine)."""
    mixed = 0
    for number in numbers:
        mixed = (mixed * 0x9E3779B1 + number + 1) % 2**63
    return mixed
