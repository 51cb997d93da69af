"""Losses against closed forms worked out by hand."""

import math

import pytest
import torch

from neuro.errors import InvalidValue
from neuro.train import FirstSpikeLoss, MembraneLoss, RandomAffine, RateBand, RateLoss, Samples


def test_first_spike_time_counts_the_steps_before_the_first_spike() -> None:
    spikes = torch.zeros(6, 1, 3)
    spikes[2, 0, 0] = spikes[4, 0, 0] = 1
    spikes[0, 0, 1] = 1
    assert FirstSpikeLoss().times(spikes).tolist() == [[2, 0, 6]]


def test_first_spike_loss_is_the_softmax_of_the_lead() -> None:
    spikes = torch.zeros(6, 1, 2)
    spikes[1, 0, 0] = spikes[5, 0, 1] = 1
    loss = FirstSpikeLoss(scale=2.0)(spikes, torch.tensor([0]))
    assert loss.item() == pytest.approx(math.log(1 + math.exp(-(5 - 1) / 2)))
    assert FirstSpikeLoss().scores(spikes).argmax().item() == 0


def test_first_spike_loss_pulls_the_right_class_forward() -> None:
    spikes = torch.full((5, 1, 2), 0.1, requires_grad=True)
    FirstSpikeLoss()(spikes, torch.tensor([1])).backward()
    assert spikes.grad is not None
    assert (spikes.grad[:, 0, 1] < 0).all() and (spikes.grad[:, 0, 0] > 0).all()


def test_rate_loss_is_the_softmax_of_the_counts() -> None:
    spikes = torch.zeros(10, 1, 3)
    spikes[:4, 0, 0] = 1
    spikes[:1, 0, 1] = 1
    expected = -math.log(math.exp(4) / (math.exp(4) + math.exp(1) + 1))
    assert RateLoss()(spikes, torch.tensor([0])).item() == pytest.approx(expected, rel=1e-5)


def test_rate_loss_with_targets_is_zero_exactly_at_them() -> None:
    spikes = torch.zeros(10, 1, 3)
    spikes[:6, 0, 2] = 1
    spikes[:1, 0, :2] = 1
    loss = RateLoss(target=(0.1, 0.6))
    assert loss(spikes, torch.tensor([2])).item() == pytest.approx(0, abs=1e-12)
    assert loss(spikes, torch.tensor([0])).item() == pytest.approx((0.5**2 + 0.5**2) / 3)


@pytest.mark.parametrize(("reduce", "score"), [("max", 3.0), ("mean", 1.0), ("last", -1.0)])
def test_membrane_loss_reduces_over_time(reduce: str, score: float) -> None:
    v = torch.tensor([1.0, 3.0, -1.0]).reshape(3, 1, 1)
    assert MembraneLoss(reduce).scores(v).item() == score  # type: ignore[arg-type]


def test_membrane_loss_adds_up_the_softmax_of_each_step_within_the_recording() -> None:
    v = torch.log(torch.tensor([[[1.0, 3.0], [2.0, 2.0]], [[1.0, 1.0], [9.0, 1.0]]]))
    loss = MembraneLoss("softmax")
    torch.testing.assert_close(loss.scores(v), torch.tensor([[0.75, 1.25], [1.4, 0.6]]))
    lengths = torch.tensor([1, 2])
    torch.testing.assert_close(loss.scores(v, lengths), torch.tensor([[0.25, 0.75], [1.4, 0.6]]))


def test_rate_band_charges_only_outside_the_band() -> None:
    spikes = torch.zeros(10, 2, 3)
    spikes[:, :, 1] = 1  # 1 spike a step
    spikes[:3, :, 2] = 1  # 0.3 spikes a step
    penalty = RateBand(low=0.1, high=0.5, strength=2.0)(spikes)
    assert penalty.item() == pytest.approx(2 * (0.1**2 + 0.5**2 + 0) / 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: MembraneLoss()(torch.zeros(4, 2), torch.zeros(2).long()), r"shape \(4, 2\)"),
        (lambda: RateLoss()(torch.zeros(4, 2, 3), torch.zeros(3).long()), r"expected 2 integers"),
        (lambda: RateLoss()(torch.zeros(4, 2, 3), torch.zeros(2)), r"float32"),
        (
            lambda: RateLoss()(torch.zeros(4, 2, 3), torch.tensor([0, 3])),
            r"0 to 3, expected 0 to 2",
        ),
        (lambda: MembraneLoss("sum"), r"MembraneLoss.reduce: got 'sum'"),  # type: ignore[arg-type]
        (lambda: FirstSpikeLoss(0), r"FirstSpikeLoss.scale"),
        (lambda: RateBand(0.5, 0.1), r"low=0.5, high=0.1"),
        (lambda: Samples(torch.zeros(4, 2, 3), torch.zeros(3).long()), r"Samples: x has shape"),
        (lambda: Samples(torch.zeros(4, 2, 3), torch.zeros(2)), r"Samples.labels"),
        (lambda: RandomAffine()(torch.zeros(4, 2, 3), torch.Generator()), r"RandomAffine"),
    ],
)
def test_bad_input_is_named(call: object, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        call()  # type: ignore[operator]


def test_affine_augmentation_without_extent_changes_nothing() -> None:
    x = torch.rand(3, 4, 2, 8, 8)
    still = RandomAffine(rotate=0, scale=0, shear=0, shift=0)(x, torch.Generator())
    torch.testing.assert_close(still, x)


def test_affine_augmentation_moves_all_steps_of_a_sample_alike() -> None:
    frame = torch.rand(1, 4, 2, 8, 8)
    x = frame.repeat(5, 1, 1, 1, 1)
    moved = RandomAffine()(x, torch.Generator().manual_seed(1))
    assert torch.equal(moved[0], moved[4])
    assert not torch.allclose(moved[0, 0], moved[0, 1]) and not torch.allclose(moved, x)
    again = RandomAffine()(x, torch.Generator().manual_seed(1))
    assert torch.equal(moved, again)


def test_samples_are_visited_once_an_epoch_in_an_order_set_by_seed_and_epoch() -> None:
    samples = Samples(torch.arange(10).reshape(1, 10, 1), torch.arange(10))

    def order(seed: int, epoch: int, rank: int = 0, world: int = 1) -> list[int]:
        loader = samples.loader(3, shuffle=True, seed=seed, rank=rank, world_size=world)
        loader.sampler.set_epoch(epoch)  # type: ignore[attr-defined]
        return [int(label) for _, labels in loader for label in labels]

    assert sorted(order(0, 0)) == list(range(10))
    assert order(0, 1) == order(0, 1) != order(0, 0)
    assert order(1, 0) != order(0, 0)
    assert sorted(order(0, 0, 0, 2) + order(0, 0, 1, 2)) == list(range(10))
