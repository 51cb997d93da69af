"""The Expressive Leaky Memory neuron against its equations, its paper's figures, closed forms."""

import numpy as np
import pytest
import torch

from neuro import Clock, ms
from neuro.errors import InvalidValue, UnknownName
from neuro.nn import ELM
from neuro.train import detach

CLOCK = Clock(1 * ms)


def numbers(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().double().numpy()


def small(**options) -> ELM:
    known = {"branches": 3, "synapses_per_branch": 2, "memory": 4, "clock": CLOCK, "seed": 1}
    return ELM(6, 2, **(known | options)).double()


def by_the_paper(elm: ELM, x: np.ndarray, index: np.ndarray, live: np.ndarray) -> np.ndarray:
    """The equations as printed: a trace for each synapse (v1) or branch (v2), step by step."""
    state = {name: numbers(value) for name, value in elm.state_dict().items()}
    w = np.maximum(state["synapse"], 0) * live
    tau = numbers(elm.tau) / ms
    kappa, kappa_trace = np.exp(-1 / tau), np.exp(-1 / 5)
    memory = np.zeros((x.shape[1], len(tau)))
    synapse, branch = np.zeros((x.shape[1], *w.shape)), np.zeros((x.shape[1], len(w)))
    out = []
    for step in x:
        arrived = step[:, index] * w
        synapse = kappa_trace * synapse + arrived
        branch = kappa_trace * branch + arrived.sum(2)
        seen = synapse.sum(2) if elm.version == "v1" else branch
        both = np.concatenate([seen, kappa * memory], axis=1)
        hidden = np.maximum(both @ state["hidden.weight"].T + state["hidden.bias"], 0)
        z = hidden @ state["write.weight"].T + state["write.bias"]
        gain = 5 * (1 - kappa) if elm.version == "v1" else 1 - np.exp(-5 / tau)
        memory = kappa * memory + gain * 1.7159 * np.tanh(2 * z / 3)
        out.append(memory @ state["readout.weight"].T + state["readout.bias"])
    return np.stack(out)


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("routing", [None, "neuronio"])
def test_every_step_follows_the_equations_of_the_paper(version: str, routing: str | None) -> None:
    elm = small(version=version, routing=routing, branches=2, synapses_per_branch=3 + bool(routing))
    with torch.no_grad():
        elm.synapse[0] = torch.tensor([0.3, -0.2, 1.1, 0.7][: elm.synapse.shape[1]])
    x = torch.randn(70, 3, 6, dtype=torch.float64)
    index = [[0, 3, 1, 4], [4, 2, 5, 5]] if routing else [[0, 1, 2], [3, 4, 5]]
    live = [[1, 1, 1, 1], [1, 1, 1, 0]] if routing else [[1, 1, 1], [1, 1, 1]]
    expected = by_the_paper(elm, x.numpy(), np.array(index), np.array(live))
    np.testing.assert_allclose(numbers(elm(x)[0]), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("memory", "count"), [(1, 4601), (15, 6827), (20, 8002), (100, 54002)])
def test_branch_elm_has_the_parameters_the_paper_counts(memory: int, count: int) -> None:
    elm = ELM(1278, 2, branches=45, synapses_per_branch=100, memory=memory, routing="neuronio",
              clock=CLOCK)  # fmt: skip
    assert sum(p.numel() for p in elm.parameters()) == count


def test_elm_with_one_branch_per_input_is_the_default() -> None:
    elm = ELM(700, 20, memory=100, tau_max=500 * ms, clock=CLOCK)
    assert elm.synapse.shape == (700, 1)
    assert sum(p.numel() for p in elm.parameters()) == 183_020  # as in the paper's notebook


def test_a_branch_forgets_an_impulse_exponentially() -> None:
    elm = small(tau_branch=7 * ms)
    x = torch.zeros(11, 1, 6, dtype=torch.float64)
    x[0, 0, 2:4] = torch.tensor([1.0, -3.0])
    _, state = elm(x)
    expected = [0, 0.5 * (1 - 3) * np.exp(-10 / 7), 0]
    np.testing.assert_allclose(numbers(state.branch[0]), expected, rtol=1e-6)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_constant_write_charges_the_memory_as_the_differential_equation_says(version) -> None:
    """v1 solves tau dm/dt = -m + lambda d exactly; v2 sums a geometric series."""
    elm = small(version=version, lambda_=3.0)
    with torch.no_grad():
        elm.write.weight.zero_()
        elm.write.bias.fill_(0.4)
    _, state = elm(torch.randn(25, 1, 6, dtype=torch.float64))
    tau, written = numbers(elm.tau) / ms, 1.7159 * np.tanh(0.8 / 3)
    charged = 1 - np.exp(-25 / tau)
    scale = 3 if version == "v1" else (1 - np.exp(-3 / tau)) / (1 - np.exp(-1 / tau))
    np.testing.assert_allclose(numbers(state.memory[0]), written * scale * charged, rtol=1e-9)


def test_memory_time_constants_are_even_on_a_logarithmic_scale() -> None:
    tau = numbers(ELM(4, memory=5, tau_min=1 * ms, tau_max=81 * ms, clock=CLOCK).tau)
    np.testing.assert_allclose(tau, np.array([1, 3, 9, 27, 81]) * ms, rtol=1e-5)
    assert numbers(ELM(4, memory=1, clock=CLOCK).tau) == pytest.approx([1 * ms], rel=1e-5)


def test_learned_time_constants_move_and_stay_in_their_range() -> None:
    elm = ELM(4, memory=3, tau_min=2 * ms, tau_max=90 * ms, learn_tau=True, clock=CLOCK)
    before = numbers(elm.tau)
    optimizer = torch.optim.SGD(elm.parameters(), lr=1e3)
    elm(torch.rand(20, 2, 4))[0].square().sum().backward()
    optimizer.step()
    after = numbers(elm.tau)
    assert after[1] != before[1]
    assert (after >= 2 * ms).all() and (after <= 90 * ms).all()
    assert not any("tau" in n for n, _ in ELM(4, clock=CLOCK).named_parameters())


def test_neuronio_routing_reaches_every_input_in_balanced_windows() -> None:
    elm = ELM(1278, 2, branches=45, synapses_per_branch=100, routing="neuronio", clock=CLOCK)
    assert elm.index is not None and elm.live is not None
    assert set(elm.index[elm.live].tolist()) == set(range(1278))
    assert elm.index[1, :4].tolist() == [653, 15, 654, 16]  # place 29 on, odd places inhibitory
    assert elm.live.sum(1)[-4:].tolist() == [89, 60, 31, 2]  # 1278 less the place of the window


def test_random_routing_follows_the_seed_and_repeats_inputs() -> None:
    first, again, other = (
        ELM(50, branches=4, synapses_per_branch=30, routing="random", seed=s, clock=CLOCK).index
        for s in (3, 3, 4)
    )
    assert first is not None and again is not None and other is not None
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert len(set(first.flatten().tolist())) < first.numel() and first.min() >= 0


def test_two_halves_equal_the_whole() -> None:
    elm = small()
    x = torch.randn(30, 2, 6, dtype=torch.float64)
    whole, end = elm(x)
    first, state = elm(x[:13])
    second, last = elm(x[13:], detach(state))
    torch.testing.assert_close(torch.cat([first, second]), whole)
    torch.testing.assert_close(tuple(last), tuple(end))


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("routing", [None, "random"])
def test_gradients_agree_with_finite_differences(version: str, routing: str | None) -> None:
    elm = small(version=version, routing=routing, activation="silu", learn_tau=True)
    names = [name for name, _ in elm.named_parameters()]
    values = [p.detach().clone().requires_grad_() for p in elm.parameters()]
    assert "raw_tau" in names
    # At the ends of the range the sigmoid is flat, and a difference quotient there is only noise.
    values[names.index("raw_tau")] = torch.linspace(-2, 2, 4).double().requires_grad_()
    x = torch.randn(6, 2, 6, dtype=torch.float64, requires_grad=True)
    start = [torch.randn(2, n, dtype=torch.float64, requires_grad=True) for n in (3, 4)]

    def run(x, branch, memory, *values):
        parameters = dict(zip(names, values, strict=True))
        y, after = torch.func.functional_call(
            elm, parameters, (x, ELM.State(branch=branch, memory=memory))
        )
        return y, *after

    assert torch.autograd.gradcheck(run, (x, *start, *values))


def test_the_seed_fixes_the_layer_and_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    first, again = small(seed=5), small(seed=5)
    assert torch.equal(before, torch.get_rng_state())
    x = torch.rand(5, 1, 6, dtype=torch.float64)
    assert torch.equal(first(x)[0], again(x)[0])
    assert not torch.equal(first(x)[0], small(seed=6)(x)[0])


def test_without_outputs_the_memory_is_returned() -> None:
    y, state = ELM(6, memory=4, clock=CLOCK)(torch.rand(8, 3, 6))
    assert y.shape == (8, 3, 4) and torch.equal(y[-1], state.memory)


def test_weights_cannot_be_negative() -> None:
    elm = small()
    with torch.no_grad():
        elm.synapse.fill_(-1)
    _, state = elm(torch.rand(5, 1, 6, dtype=torch.float64))
    assert (state.branch == 0).all()


def test_v1_with_a_step_too_long_names_its_gain() -> None:
    with pytest.raises(InvalidValue, match=r"= 5, with which the memory runs away; use version"):
        ELM(4, version="v1", clock=Clock(10 * ms))
    ELM(4, version="v2", clock=Clock(10 * ms))
    ELM(4, version="v1", tau_min=10 * ms, clock=Clock(10 * ms))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"memory": 0}, r"ELM.memory: got 0, expected 1 or more"),
        ({"tau_branch": 0.0}, r"ELM.tau_branch: got 0.0, expected a finite number above 0"),
        ({"tau_max": 0.5 * ms}, r"ELM.tau_max: got 0.0005 s, expected above tau_min = 0.001 s"),
        ({"branches": 4, "synapses_per_branch": 2}, r"= 8, expected the number of inputs, 6"),
        (
            {"branches": 2, "synapses_per_branch": 2, "routing": "neuronio"},
            r"got 2, expected at least ceil\(inputs / branches\) = 3",
        ),
        ({"branches": 4, "routing": "neuronio"}, r"got 4, but 3 already take all 6 inputs"),
    ],
)
def test_sizes_and_constants_that_do_not_fit_are_refused(options: dict, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        ELM(6, **options, clock=CLOCK)


@pytest.mark.parametrize("option", ["version", "routing", "activation"])
def test_unknown_names_are_refused(option: str) -> None:
    with pytest.raises(UnknownName, match=f"ELM.{option}: unknown name 'x'"):
        ELM(6, clock=CLOCK, **{option: "x"})


def test_input_and_state_of_the_wrong_kind_are_refused() -> None:
    elm = ELM(6, memory=4, clock=CLOCK)
    x = torch.rand(5, 2, 6)
    with pytest.raises(InvalidValue, match=r"ELM: got shape \(5, 6\), expected \[T, B, 6\]"):
        elm(x[:, 0])
    with pytest.raises(InvalidValue, match="ELM: the input is nan"):
        elm(torch.full((5, 2, 6), torch.nan))
    with pytest.raises(InvalidValue, match=r"state is a tuple, expected ELM.State"):
        elm(x, (torch.zeros(2, 6), torch.zeros(2, 4)))
    _, state = elm(x[:, :1])
    with pytest.raises(InvalidValue, match=r"state.branch has shape \(1, 6\), expected \(2, 6\)"):
        elm(x, state)
