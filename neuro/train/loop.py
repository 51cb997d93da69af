"""The training loop: PyTorch Lightning around a Module, resumable to the bit.

Order of samples, augmentation and any random layer depend on (seed, epoch, batch) alone, so a run
that was killed and resumed ends with the weights of one that never stopped.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import torch
from torch import Tensor

from neuro.checkpoint import load_tree
from neuro.errors import InvalidValue, UnknownName, require
from neuro.nn.delay import Delays
from neuro.train.epochs import Best, Checkpoint, Epoch, History, Patience, SafeCheckpoints
from neuro.train.losses import Loss, MembraneLoss, RateBand
from neuro.train.module import Module
from neuro.train.processes import Processes, normalise_together, refuse_too_few, share
from neuro.train.samples import Augment, Samples
from neuro.train.schedule import Schedule, optimiser

if TYPE_CHECKING:
    import lightning as L  # noqa: N812 (its own convention)
else:
    L = require("lightning", "train")

from lightning.pytorch.callbacks import Callback, RichProgressBar

_WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"  # Lightning sets it, see Plan.accelerator


@dataclass(frozen=True)
class Plan:
    """How to train.

    Args:
        epochs: passes through the training set, at most.
        batch_size: samples per step and process.
        learning_rate: of weights, biases and norms (AdamW); the peak of `schedule`.
        neuron_rate: learning rate of neuron parameters, as a multiple of `learning_rate`.
        delay_rate: learning rate of delays, in ticks, which comes down by a cosine whatever the
            schedule. Adam moves a delay by about this much a step: positions span tens of ticks
            where weights are below one, and need about 100 times their rate (Hammouamri et al.,
            ICLR 2024).
        schedule: "cosine" comes down from the first epoch on. "one-cycle" first rises for 30 % of
            the epochs, so that weights move little while the kernels of learned delays are wide
            and pass on something else than they will in the end. Both change by epoch, not by
            step: so the rates depend on neither the batch size nor the number of processes.
        weight_decay: of weights and biases only.
        patience: stop after so many epochs without a lower validation loss, and take the best;
            None to run all epochs and take the last. Where delays are learned, epochs count only
            once their kernels are as narrow as they become: before, the loss in whole ticks, which
            is what validation measures, says little.
        rate_band: penalty on the firing rates of every hidden population.
        clip: largest norm of the gradient.
        seed: of sample order, augmentation and random layers.
        devices: processes (CPU) or GPUs to train on, in total; None for as many as `torchrun` has
            started, or one. N processes with batches of b do what one does with batches of N b, up
            to rounding and repeated samples (fewer than N) where N does not divide the training
            set; but augmentation and dropout draw other numbers, and a rate band looks at each
            process's own batch.
        accelerator: "cpu", "cuda", ... or "auto", as in Lightning. On a GPU training uses PyTorch's
            deterministic algorithms too. They need CUBLAS_WORKSPACE_CONFIG in the environment
            before the first matrix product: `fit` sets it, but where your program has already
            multiplied matrices on the GPU, set it to ":4096:8" before it starts.
    """

    epochs: int = 20
    batch_size: int = 64
    learning_rate: float = 2e-3
    neuron_rate: float = 10.0
    delay_rate: float = 0.1
    schedule: Schedule = "cosine"
    weight_decay: float = 1e-4
    patience: int | None = None
    rate_band: RateBand | None = None
    clip: float = 1.0
    seed: int = 0
    devices: int | None = None
    accelerator: str = "auto"

    def __post_init__(self) -> None:
        names = ("epochs", "batch_size", "learning_rate", "delay_rate", "clip")
        for name in (*names, *(("devices",) if self.devices is not None else ())):
            if not getattr(self, name) > 0:
                raise InvalidValue(
                    f"Plan.{name}: got {getattr(self, name)}, expected a number above 0"
                )
        if self.schedule not in get_args(Schedule):
            raise UnknownName("Plan.schedule", self.schedule, get_args(Schedule))
        if self.schedule == "one-cycle" and self.epochs < 2:
            raise InvalidValue(
                "Plan.epochs: got 1 for a one-cycle schedule, expected at least 2: its last epoch "
                "has a rate of nearly 0. Use schedule='cosine'."
            )


@dataclass(frozen=True)
class Fit:
    """Result of a training run.

    `history` has one dictionary per epoch: epoch, train_loss, train_accuracy, val_loss,
    val_accuracy, over the samples of all processes. `epoch` is the one whose weights the module
    has. `main` is true in one process only, which alone should write files and print.
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
    with early stopping (`plan.patience`), with those of the best validation epoch. The kernels of
    learned delays are narrowed at the start of every epoch (`module.anneal`).

    To train on several processes, set `plan.devices`, or start the program with `torchrun`, e.g.
    `torchrun --nproc-per-node 2 -m neuro run digits`. Every process then runs the whole program,
    and only the first writes checkpoints and shows progress.

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
        InvalidValue: samples do not fit the network; the module learns nothing, or has a parameter
            that no group of the optimiser takes; `torchrun` has started another number of
            processes than `plan.devices`; or the checkpoint to resume from was made with another
            network or Plan.
        CorruptFile: the checkpoint to resume from is damaged.
        KeyboardInterrupt: Ctrl-C; everything up to the last whole epoch is in the folder.
    """
    folder = Path(folder)
    last = folder / "last.safetensors"
    processes = Processes.of(plan.devices)
    history = History()
    first = _first_narrow(module, plan.epochs)
    best = Best(folder, "best", monitor="val_loss", enable_version_counter=False)
    best.first = first
    # After `best`, so that the last checkpoint knows the best one of the same epoch.
    every = Checkpoint(folder, "last", enable_version_counter=False)
    callbacks: list[Callback] = [history, best, every]
    if plan.patience is not None:
        stopping = Patience("val_loss", patience=plan.patience)
        stopping.first = first
        callbacks.append(stopping)
    if progress:
        callbacks.append(RichProgressBar(leave=False))
    with _quiet():
        trainer = L.Trainer(
            accelerator=plan.accelerator,
            **processes.settings(),
            max_epochs=plan.epochs,
            callbacks=callbacks,
            plugins=[SafeCheckpoints()],
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
            with normalise_together(module, processes):
                trainer.fit(task, data, ckpt_path=str(last) if resume and last.exists() else None)
        except SystemExit:  # how Lightning ends after Ctrl-C; the caller shall see what it was
            if trainer.interrupted:
                raise KeyboardInterrupt from None
            raise
    if plan.patience is None and len(history.epochs) < plan.epochs:
        raise RuntimeError(
            f"fit: training ended after {len(history.epochs)} of {plan.epochs} epochs. Something "
            "called in it raised StopIteration, which Lightning takes for the end: look at the "
            "loss, the augmentation and the module's anneal"
        )
    losses = [epoch["val_loss"] for epoch in history.epochs]
    chosen = len(losses) - 1
    if plan.patience is not None:
        chosen = losses.index(min(losses[first:]), first)
        task.load_state_dict(load_tree(folder / "best.safetensors")["state_dict"])
    return Fit(history.epochs, chosen, trainer.is_global_zero)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what Lightning says of our deliberate choices, and leave no setting behind."""
    logs = [logging.getLogger(f"lightning.{part}") for part in ("pytorch", "fabric")]
    levels, workspace = [log.level for log in logs], os.environ.get(_WORKSPACE)
    deterministic = torch.are_deterministic_algorithms_enabled()
    on_interrupt = signal.getsignal(signal.SIGINT)
    for log in logs:
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
        for log, level in zip(logs, levels, strict=True):
            log.setLevel(level)
        if signal.getsignal(signal.SIGINT) is not on_interrupt:  # Lightning ignores a second one
            signal.signal(signal.SIGINT, on_interrupt)
        torch.use_deterministic_algorithms(deterministic)
        if workspace is None:
            os.environ.pop(_WORKSPACE, None)
        else:
            os.environ[_WORKSPACE] = workspace


def _first_narrow(module: Module, epochs: int) -> int:
    """The first epoch in which the kernels of learned delays have their last width."""
    learned = (d for d in module.modules() if isinstance(d, Delays) and d.ticks.requires_grad)
    wide = max((d.kernel.anneal for d in learned if d.kernel.shape in ("gauss", "max")), default=0)
    return next((e for e in range(epochs) if e / epochs >= wide), epochs - 1)


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
        kernels = {
            name: f"{delays.kernel!r} up to {delays.longest} ticks"
            for name, delays in self.module.named_modules()
            if isinstance(delays, Delays)
        }
        parts = {"network": structure, "kernels": kernels, "plan": plan}
        return {name: json.dumps(part) for name, part in parts.items()}

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
        if stored.get("kernels") != now["kernels"]:
            raise InvalidValue(
                "fit: the checkpoint to resume from was made with other kernels of delays: "
                f"{stored.get('kernels')} -> {now['kernels']}. Keep Module(delays=, max_delay=), "
                "or pass another folder or resume=False."
            )
        old, new = json.loads(stored["plan"]), json.loads(now["plan"])
        changed = ", ".join(f"{k} {old.get(k)} -> {new[k]}" for k in new if old.get(k) != new[k])
        raise InvalidValue(
            f"fit: the checkpoint to resume from was made with another Plan: {changed}. "
            "Keep the Plan, or pass another folder or resume=False."
        )

    def on_train_epoch_start(self) -> None:
        # Of the epoch alone, so that a resumed run has the same kernels.
        self.module.anneal(self.current_epoch / self.plan.epochs)

    def training_step(self, batch: tuple[Tensor, ...], index: int) -> Tensor:
        x, labels, *lengths = batch
        seed = _mix(self.plan.seed, self.current_epoch, index, self.global_rank)
        if self.augment is not None:
            x = self.augment(x, torch.Generator(device=x.device).manual_seed(seed))
        # What is random inside the module must not depend on what ran before this batch; and it
        # must not be the same numbers again.
        torch.manual_seed(_mix(seed, 1))
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
        # Lightning averages the integer weights of the processes and cuts the fraction off;
        # multiples of their number leave none.
        processes = self.trainer.world_size
        for name, value in (("loss", loss), ("accuracy", correct)):
            self.log(
                f"{split}_{name}", value.detach(), on_step=False, on_epoch=True,
                prog_bar=name == "accuracy",
                batch_size=len(labels) * processes, sync_dist=processes > 1,
            )  # fmt: skip
        return loss

    def configure_optimizers(self) -> Any:
        optimizer, schedule = optimiser(self.module, self.plan)
        return {"optimizer": optimizer, "lr_scheduler": schedule}


class _Data(L.LightningDataModule):
    """Hands each process its share of the samples."""

    def __init__(self, train: Samples, validation: Samples, plan: Plan) -> None:
        super().__init__()
        self.train, self.validation, self.plan = train, validation, plan

    def train_dataloader(self) -> Any:
        assert self.trainer is not None
        rank, world_size = self.trainer.global_rank, self.trainer.world_size
        refuse_too_few(self.train, world_size, "train")
        return self.train.loader(
            self.plan.batch_size, shuffle=True, seed=self.plan.seed, rank=rank,
            world_size=world_size,
        )  # fmt: skip

    def val_dataloader(self) -> Any:
        # No sample is repeated here to make equal shares: the mean is over each sample once.
        assert self.trainer is not None
        rank, world_size = self.trainer.global_rank, self.trainer.world_size
        mine = share(self.validation, rank, world_size, "validation")
        return mine.loader(self.plan.batch_size, shuffle=False, seed=self.plan.seed)


def _mix(*numbers: int) -> int:
    """One seed from several numbers, well spread (the same on every machine)."""
    mixed = 0
    for number in numbers:
        mixed = (mixed * 0x9E3779B1 + number + 1) % 2**63
    return mixed
