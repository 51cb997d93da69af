"""The astrocyte's memory against its recurrence written out, closed forms, and differences."""

import numpy as np
import pytest
import torch
from torch import Tensor

from neuro import Clock, ms
from neuro.errors import InvalidValue
from neuro.neurons import AMSU
from neuro.nn import AMSULayer, AstrocyteMemory

CLOCK = Clock(2 * ms)
TAU = (10 * ms, 80 * ms, 900 * ms)


def arrays(steps: int, seed: int = 0, d: int = 5) -> tuple[Tensor, Tensor, Tensor]:
    """Key [T, 2, 3, 4], value [T, 2, 3, d], query [T, 2, 3, 4]."""
    g = torch.Generator().manual_seed(seed)
    sizes = (4, d, 4)
    return tuple(torch.randn(steps, 2, 3, n, generator=g, dtype=torch.float64) for n in sizes)  # type: ignore[return-value]


@pytest.mark.parametrize("chunk", [1, 7, 16, 64])
def test_it_is_the_recurrence_for_every_chunk(chunk: int) -> None:
    """H_t = gamma H_(t-1) + v_t k_t^T and o_t = H_t q_t / sqrt(d_k), one head at a time."""
    key, value, query = arrays(40)
    memory = AstrocyteMemory(3, CLOCK, tau=TAU, chunk=chunk).double()
    o, last = memory(key, value, query)
    k, v, q = key.numpy(), value.numpy(), query.numpy()
    for batch in range(2):
        for head, gamma in enumerate(memory.gamma().tolist()):
            state = np.zeros((5, 4))
            for t in range(40):
                state = gamma * state + np.outer(v[t, batch, head], k[t, batch, head])
                expected = state @ q[t, batch, head] / 2
                np.testing.assert_allclose(o[t, batch, head].detach(), expected, atol=1e-10)
            np.testing.assert_allclose(last[batch, head].detach(), state, atol=1e-10)


def test_time_constants_are_in_seconds() -> None:
    gamma = AstrocyteMemory(3, CLOCK, tau=TAU).gamma()
    np.testing.assert_allclose(gamma.detach(), np.exp([-2 / 10, -2 / 80, -2 / 900]), rtol=1e-6)


def test_two_halves_equal_the_whole() -> None:
    memory = AstrocyteMemory(3, CLOCK, tau=TAU, chunk=8).double()
    parts = arrays(30)
    whole, end = memory(*parts)
    first, middle = memory(*(x[:13] for x in parts))
    second, again = memory(*(x[13:] for x in parts), middle)
    torch.testing.assert_close(torch.cat([first, second]), whole, rtol=0, atol=1e-12)
    torch.testing.assert_close(again, end, rtol=0, atol=1e-12)


def test_a_pair_stored_is_recalled_weaker_by_gamma_each_step() -> None:
    """Orthogonal keys do not disturb each other: the answer is gamma^n v, n steps later."""
    memory = AstrocyteMemory(1, CLOCK, tau=50 * ms, chunk=4)
    key, query = torch.zeros(11, 1, 1, 4), torch.zeros(11, 1, 1, 4)
    value = torch.zeros(11, 1, 1, 2)
    key[0, 0, 0, 1], value[0, 0, 0] = 1, torch.tensor([3.0, -2.0])
    key[1, 0, 0, 2], value[1, 0, 0] = 1, torch.tensor([7.0, 5.0])
    query[10, 0, 0, 1] = 1
    o, _ = memory(key, value, query)
    expected = np.exp(-10 * 2 / 50) * np.array([3.0, -2.0]) / 2
    np.testing.assert_allclose(o[10, 0, 0].detach(), expected, rtol=1e-5)
    assert not o[:10].any()


def test_it_never_sees_the_future() -> None:
    memory = AstrocyteMemory(3, CLOCK, tau=TAU, chunk=8).double()
    parts = [x.requires_grad_() for x in arrays(20)]
    o, _ = memory(*parts)
    for gradient in torch.autograd.grad(o[11].sum(), parts):
        assert gradient[11].any()
        assert not gradient[12:].any()


def test_gradients_agree_with_finite_differences() -> None:
    memory = AstrocyteMemory(3, CLOCK, tau=(5 * ms, 20 * ms, 90 * ms), chunk=2).double()
    state = torch.randn(2, 3, 2, 4, dtype=torch.float64)

    def run(log_tau: Tensor, *given: Tensor) -> tuple[Tensor, Tensor]:
        return torch.func.functional_call(memory, {"log_tau": log_tau}, given)  # type: ignore[return-value]

    given = (memory.log_tau.detach(), *arrays(5, d=2), state)
    assert torch.autograd.gradcheck(run, tuple(x.clone().requires_grad_() for x in given))


def test_time_constant_is_learned_only_if_wanted() -> None:
    o, _ = AstrocyteMemory(3, CLOCK, tau=TAU, learn=False)(*arrays(5))
    assert not o.requires_grad


def test_bad_arguments_are_named() -> None:
    with pytest.raises(InvalidValue, match=r"tau: got shape \(2,\).*per head, \(3,\)"):
        AstrocyteMemory(3, CLOCK, tau=(1.0, 2.0))
    with pytest.raises(InvalidValue, match=r"tau: got 0 s, expected finite values above 0"):
        AstrocyteMemory(3, CLOCK, tau=0)
    with pytest.raises(InvalidValue, match=r"chunk=0, expected both at least 1"):
        AstrocyteMemory(3, CLOCK, tau=1.0, chunk=0)
    memory = AstrocyteMemory(3, CLOCK, tau=1.0)
    key, value, query = arrays(5)
    with pytest.raises(InvalidValue, match=r"key: got shape \(5, 2, 12\), expected \[T, B, 3, d_k"):
        memory(key.flatten(2), value, query)
    with pytest.raises(InvalidValue, match=r"query: got shape \(5, 2, 3, 3\), expected that of"):
        memory(key, value, query[..., :3])
    with pytest.raises(InvalidValue, match=r"value: got shape \(4, 2, 3, 5\), expected \[5, 2, 3"):
        memory(key, value[:4], query)
    with pytest.raises(InvalidValue, match=r"state: got shape \(3, 3, 5, 4\), expected"):
        memory(key, value, query, torch.zeros(3, 3, 5, 4))


def layer(recurrent: bool = False, **options: bool) -> AMSULayer:
    torch.manual_seed(0)
    return AMSULayer(
        6, AMSU(8, tau_mem=10 * ms), CLOCK, heads=2, key=3, tau=100 * ms, recurrent=recurrent,
        **options,  # type: ignore[arg-type]
    ).double()  # fmt: skip


@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("bounded", [False, True])
def test_the_layer_is_its_equations(recurrent: bool, bounded: bool) -> None:
    """Projections, memory, feedback and units, written out for one batch and step by step."""
    unit = layer(recurrent, bounded=bounded)
    x = 3 * torch.randn(25, 1, 6, dtype=torch.float64)
    spikes, after = unit(x)
    w = {name: value.detach().numpy() for name, value in unit.named_parameters()}
    u, s, states = np.zeros(8), np.zeros(8), np.zeros((2, 4, 3))
    for t, now in enumerate(x[:, 0].numpy()):
        k, q = ((w[f"{n}.weight"] @ now).reshape(2, 3) for n in ("key", "query"))
        v = (w["value.weight"] @ now).reshape(2, 4)
        gamma = unit.memory.gamma().detach().numpy()[:, None, None]  # type: ignore[union-attr]
        states = gamma * states + v[:, :, None] * k[:, None, :]
        o = np.einsum("hji,hi->hj", states, q) / np.sqrt(3)
        if bounded:
            o = o / np.sqrt((o**2).mean(1, keepdims=True) + 0.1)
        current = w["current.weight"] @ now + w["current.bias"]
        if recurrent:
            current = current + w["recurrent.weight"] @ s
        u = np.exp(-2 / 10) * u * (1 - s) + current
        s = (u + o.ravel() > 1).astype(float)
        np.testing.assert_array_equal(spikes[t, 0].detach(), s)
    assert 0.05 < float(spikes.detach().mean()) < 0.6
    np.testing.assert_allclose(after.unit.o[0].detach(), o.ravel(), rtol=1e-9)


@pytest.mark.parametrize("recurrent", [False, True])
def test_the_layer_goes_on_from_the_state_it_returned(recurrent: bool) -> None:
    unit = layer(recurrent)
    x = 3 * torch.randn(20, 4, 6, dtype=torch.float64)
    whole, _ = unit(x)
    first, state = unit(x[:9])
    second, _ = unit(x[9:], state)
    assert torch.equal(torch.cat([first, second]), whole)


def test_every_part_of_the_layer_receives_a_gradient() -> None:
    unit = layer(True)
    spikes, _ = unit(3 * torch.randn(20, 4, 6, dtype=torch.float64))
    (spikes * torch.randn_like(spikes)).sum().backward()
    for name, parameter in unit.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().max() > 0, name


def test_without_an_astrocyte_its_parameters_are_gone() -> None:
    unit = layer(astrocyte=False)
    assert {name for name, _ in unit.named_parameters()} == {"current.weight", "current.bias"}
    _, state = unit(torch.ones(3, 2, 6, dtype=torch.float64))
    assert state.astrocyte is None


def test_heads_must_divide_the_units() -> None:
    with pytest.raises(InvalidValue, match=r"expected one axis that heads=3 divides"):
        AMSULayer(6, AMSU(8), CLOCK, heads=3)
    with pytest.raises(InvalidValue, match=r"state is a tuple, expected an AMSUState"):
        layer()(torch.ones(3, 2, 6, dtype=torch.float64), ())  # type: ignore[arg-type]
