"""Padding of short recordings changes no loss, score, gradient or trained weight."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from neuro import LI, LIF, Clock, Events, feedforward, ms, us
from neuro.errors import InvalidValue
from neuro.train import FirstSpikeLoss, MembraneLoss, Module, RateBand, RateLoss, Samples, predict
from neuro.train.loop import Fit, Plan, fit

LOSSES = [
    MembraneLoss("max"),
    MembraneLoss("mean"),
    MembraneLoss("last"),
    RateLoss(),
    RateLoss(target=(0.03, 0.6)),
    FirstSpikeLoss(scale=2.0),
]
LENGTHS = torch.tensor([7, 1, 4, 9, 3])
LABELS = torch.tensor([0, 2, 1, 1, 0])


def signal(steps: int, beyond: float) -> Tensor:
    """Random numbers within LENGTHS, and `beyond` after them."""
    x = torch.rand(9, 5, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    whole = torch.full((steps, 5, 3), beyond, dtype=torch.float64)
    for i, length in enumerate(LENGTHS.tolist()):
        whole[:length, i] = x[:length, i]
    return whole


@pytest.mark.parametrize("beyond", [0.0, 1.0, -1e6, float("nan")])
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_a_padded_batch_has_the_loss_and_gradient_of_its_samples_alone(loss, beyond):
    padded = signal(17, beyond).requires_grad_()
    total = loss(padded, LABELS, LENGTHS)
    total.backward()
    assert padded.grad is not None
    alone = []
    for i, length in enumerate(LENGTHS.tolist()):
        one = signal(17, beyond)[:length, i : i + 1].requires_grad_()
        alone.append(loss(one, LABELS[i : i + 1]))
        alone[-1].backward()
        assert one.grad is not None
        torch.testing.assert_close(padded.grad[:length, i], one.grad[:, 0] / 5)
        assert (padded.grad[length:, i] == 0).all()
        own = loss.scores(one)[0]
        torch.testing.assert_close(loss.scores(padded, LENGTHS)[i], own)
    torch.testing.assert_close(total, torch.stack(alone).mean())


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_full_lengths_say_nothing_new(loss):
    x = signal(9, 0.5)
    full = torch.full((5,), 9)
    torch.testing.assert_close(loss(x, LABELS, full), loss(x, LABELS), rtol=1e-14, atol=0)


def test_the_rate_band_averages_over_own_steps_only():
    spikes = torch.zeros(10, 2, 1)
    spikes[:2, 0] = spikes[0, 1] = 1  # 3 spikes in 4 + 2 steps
    spikes[4:, 0] = spikes[2:, 1] = 1  # padding
    penalty = RateBand(high=0.25)(spikes, torch.tensor([4, 2]))
    assert penalty.item() == pytest.approx((3 / 6 - 0.25) ** 2)


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        (torch.tensor([1, 2]), r"lengths have shape \(2,\).*expected 5 integers"),
        (torch.ones(5), r".*float32, expected 5 integers"),
        (torch.tensor([0, 1, 1, 1, 1]), r"lengths run from 0 to 1, expected 1 to 9 steps"),
        (torch.tensor([1, 10, 1, 1, 1]), r"lengths run from 1 to 10, expected 1 to 9 steps"),
    ],
)
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_lengths_that_do_not_fit_are_refused(loss, lengths, message):
    with pytest.raises(InvalidValue, match=rf"{type(loss).__name__}: {message}"):
        loss(signal(9, 0.0), LABELS, lengths)


def recordings() -> tuple[Samples, Samples]:
    """The same samples twice: padded a little with silence, and far with noise."""
    rng = torch.Generator().manual_seed(4)
    labels = torch.arange(24) % 2
    lengths = torch.randint(3, 9, (24,), generator=rng)
    x = (torch.rand(20, 24, 4, generator=rng) < 0.1).float()
    for i, label in enumerate(labels.tolist()):
        x[:, i, 2 * label : 2 * label + 2] = 1
        x[lengths[i] :, i] = 0
    noisy = x.clone()
    for i, length in enumerate(lengths.tolist()):
        noisy[length:, i] = 1
    return Samples(x[:8], labels, lengths), Samples(noisy, labels, lengths)


@pytest.mark.parametrize("loss", [MembraneLoss("last"), MembraneLoss("mean")], ids=repr)
def test_training_and_prediction_do_not_see_the_padding(tmp_path: Path, loss: MembraneLoss):
    ends: list[tuple[Fit, dict, np.ndarray]] = []
    for name, samples in zip(("short", "long"), recordings(), strict=True):
        network = feedforward(4, LIF(8), LI(2), clock=Clock(5 * ms), seed=1)
        module = Module(network, learn=["weight", "tau_mem"])
        plan = Plan(
            epochs=4, batch_size=7, learning_rate=0.02, rate_band=RateBand(0.01, 0.1),
            accelerator="cpu",
        )  # fmt: skip
        result = fit(
            module, samples, samples.select(torch.arange(5, 20)), plan,
            folder=tmp_path / name, loss=loss, progress=False,
        )  # fmt: skip
        ends.append((result, module.state_dict(), predict(module, samples, loss)))
    (short, weights, guess), (long, others, same) = ends
    for a, b in zip(short.history, long.history, strict=True):
        assert a == pytest.approx(b, rel=1e-4)
    for name, tensor in weights.items():
        torch.testing.assert_close(tensor, others[name], rtol=1e-3, atol=1e-5)
    assert (guess == same).all() and guess.shape == (24,)


def test_a_loss_that_knows_no_lengths_still_trains(tmp_path: Path):
    class Plain:
        def __call__(self, signal: Tensor, labels: Tensor) -> Tensor:
            return torch.nn.functional.cross_entropy(self.scores(signal), labels)

        def scores(self, signal: Tensor) -> Tensor:
            return signal.sum(0)

    labels = torch.arange(6) % 2
    samples = Samples(torch.ones(4, 6, 3), labels)
    module = Module(feedforward(3, LIF(4), LI(2), clock=Clock(5 * ms), seed=1))
    plan = Plan(epochs=1, accelerator="cpu")
    loss = Plain()
    fit(module, samples, samples, plan, folder=tmp_path, loss=loss, progress=False)  # type: ignore[arg-type]


def test_samples_of_recordings_know_their_lengths():
    short = Events.sorted([0, 999], [1, 2], shape=3, clock=Clock(1 * us), duration=1500)
    long = Events.sorted([4100], [0], shape=3, clock=Clock(1 * us))
    samples = Samples.of([short, long], [1, 0], Clock(1 * ms))
    assert samples.lengths is not None and samples.lengths.tolist() == [2, 5]
    assert samples.x.shape == (5, 2, 3) and samples.x.sum() == 3
    assert samples.select(torch.tensor([1])).lengths.tolist() == [5]  # type: ignore[union-attr]
    (batch,) = samples.loader(2, shuffle=False, seed=0)
    assert [tuple(part.shape) for part in batch] == [(5, 2, 3), (2,), (2,)]
    assert Samples.of([short], [1], Clock(1 * ms), steps=9).x.shape == (9, 1, 3)


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        (torch.tensor([1]), r"got shape \(1,\).*expected 2 integers"),
        (torch.ones(2), r".*float32, expected 2 integers"),
        (torch.tensor([4, 0]), r"sample 1 has 0 steps, expected 1 to 4"),
        (torch.tensor([5, 1]), r"sample 0 has 5 steps, expected 1 to 4"),
    ],
)
def test_samples_refuse_lengths_that_do_not_fit(lengths, message):
    with pytest.raises(InvalidValue, match=rf"Samples\.lengths: {message}"):
        Samples(torch.zeros(4, 2, 3), torch.zeros(2).long(), lengths)
