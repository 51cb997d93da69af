"""Closed forms of threshold, rate and ringing; published firing patterns and onsets."""

import numpy as np
import pytest
import torch

from neuro import IF, LIF, Clock, ms
from neuro.errors import UnknownName, Unsupported
from neuro.neurons import EIF, GIF, MAT, AdEx, Izhikevich, MorrisLecar, ResonateAndFire
from neuro.nn import Population
from neuro.surrogate import ATan


def spikes(neuron, dt, x, start=None, record=()):
    """Ticks of the spikes of one unit with the input x [T], and its traces."""
    layer = Population(neuron, Clock(dt))
    port = type(neuron).Inputs._fields[0]
    x = torch.as_tensor(np.asarray(x), dtype=torch.float64).reshape(-1, 1, 1)
    if start is not None:
        start = type(neuron).State(*(torch.full((1, 1), f, dtype=torch.float64) for f in start))
    out, _, traces = layer.trace(layer.ports({port: x}, start), start, record=record)
    return out[:, 0, 0].nonzero()[:, 0].numpy(), {k: v[:, 0, 0].numpy() for k, v in traces.items()}


def test_if_fires_in_proportion_to_its_input() -> None:
    """Soft reset keeps the remainder: after n ticks of x there were ceil(n x / v_th) - 1 spikes."""
    for x in (1 / 16, 5 / 16, 11 / 16):
        ticks, _ = spikes(IF(1, v_th=0.75, reset="subtract"), 1 * ms, np.full(1000, x))
        assert len(ticks) == np.ceil(1000 * x / 0.75) - 1
        ticks, _ = spikes(IF(1, v_th=0.75), 1 * ms, np.full(1000, x))  # a hard reset forgets it
        assert set(np.diff(ticks)) == {np.floor(0.75 / x) + 1}


@pytest.mark.parametrize("refractory", [0, 3])
def test_lif_has_the_f_i_curve_of_the_closed_form(refractory) -> None:
    """Ticks per spike: the first n with I (1 - a^n) / (1 - a) > v_th, and the refractory ones."""
    alpha = np.exp(-1 / 20)
    for current in (0.04, 0.0487, 0.0489, 0.06, 0.1, 0.3, 1.5):
        neuron = LIF(1, refractory=refractory * ms)
        ticks, _ = spikes(neuron, 1 * ms, np.full(2000, current))
        reach = current * (1 - alpha ** np.arange(1, 1000)) / (1 - alpha) > 1
        if not reach.any():
            assert len(ticks) == 0
        else:
            assert set(np.diff(ticks)) == {reach.argmax() + 1 + refractory}


def test_lif_with_learned_tau_is_the_parametric_lif() -> None:
    """Fang et al. 2021: H = V + k (X - V), k = sigmoid(w), spike if H reaches v_th, V = 0 then."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(60, 3, 4, generator=generator, dtype=torch.float64) * 3
    w = torch.tensor(-1.0, dtype=torch.float64, requires_grad=True)
    k, surrogate = torch.sigmoid(w), ATan(2.0)
    v, theirs, membrane = torch.zeros(3, 4, dtype=torch.float64), [], []
    for step in x:
        h = v + k * (step - v)
        z = (h >= 1).double()
        v = h * (1 - z)
        slope = surrogate.derivative((h - 1).detach())
        theirs.append(z + slope * (h - h.detach()))
        membrane.append(v)
    loss = torch.stack(theirs).mul(x).sum() + torch.stack(membrane).square().sum()
    (expected,) = torch.autograd.grad(loss, w)

    tau_mem = float(-1 * ms / torch.log(1 - k.detach()))
    layer = Population(
        LIF(4, tau_mem=tau_mem), Clock(1 * ms), learn=["tau_mem"], surrogate=surrogate
    )
    with torch.no_grad():  # the layer keeps its parameters in float32
        layer.raw["tau_mem"].data = torch.tensor(np.log(tau_mem), dtype=torch.float64)
    inputs = (k.detach() * x).requires_grad_()
    out, _, traces = layer.trace(layer.ports({"current": inputs}), record=("v",))
    assert out.sum() > 50
    assert torch.equal(out, torch.stack(theirs).detach().round())
    ours = out.mul(x).sum() + traces["v"].square().sum()
    to_tau, to_input = torch.autograd.grad(ours, [layer.raw["tau_mem"], inputs])
    rate = float(k.detach() * (1 - k.detach()))  # dk/dw
    # log tau = log(-dt) - log(log(1 - k)), so d(log tau)/dk = 1 / ((1 - k) log(1 - k)).
    chain = 1 / ((1 - k.detach()) * torch.log(1 - k.detach()))
    found = rate * (to_tau * chain + (to_input * x).sum())
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=0)


def test_the_threshold_of_mat_follows_the_closed_form() -> None:
    """One spike at tick 0 raises it to 1 + 1.5 exp(-t / 10 ms) + 0.1 exp(-t / 200 ms)."""
    threshold = 1 + 1.5 * np.exp(-30 / 10) + 0.1 * np.exp(-30 / 200)
    left = 2.0 * np.exp(-30 / 5)  # of the first input: there is no reset
    for extra, fires in ((-1e-6, False), (1e-6, True)):
        x = np.zeros(31)
        x[0], x[30] = 2.0, threshold - left + extra
        ticks, _ = spikes(MAT(1), 1 * ms, x)
        assert (30 in ticks) == fires and 0 in ticks


def test_a_resonator_rings_at_its_frequency_and_decays() -> None:
    x = np.zeros(400)
    x[0] = 0.5
    for frequency, tau in ((40.0, 40 * ms), (15.0, 80 * ms)):
        neuron = ResonateAndFire(1, frequency=frequency, tau_mem=tau)
        _, traces = spikes(neuron, 0.5 * ms, x, record=("v",))
        t = np.arange(400) * 0.5 * ms
        exact = 0.5 * np.exp(-t / tau) * np.sin(2 * np.pi * frequency * t)
        np.testing.assert_allclose(traces["v"], exact, atol=1e-12)


def test_a_resonator_prefers_pairs_in_its_rhythm() -> None:
    """Two pulses a period apart add up, half a period apart they cancel (Izhikevich 2001)."""
    counts = {}
    for gap in (12, 25):  # ms, at 40 Hz
        x = np.zeros(100)
        x[0] = x[gap] = 0.8
        counts[gap] = len(spikes(ResonateAndFire(1), 1 * ms, x)[0])
    assert counts[25] >= 1 and counts[12] == 0


@pytest.mark.parametrize("kind", [EIF, AdEx])
def test_exponential_cells_start_firing_at_their_rheobase(kind) -> None:
    """I = g_leak (v_t - e_leak - delta_t), and (g_leak + a) for slow adaptation with a > 0."""
    neuron = kind(1, **({"a": 0.0, "b": 0.0} if kind is AdEx else {}))
    rheobase = 30e-9 * (-50.4e-3 + 70.6e-3 - 2e-3)
    for factor, fires in ((0.995, False), (1.005, True)):
        ticks, _ = spikes(neuron, 0.2 * ms, np.full(10_000, factor * rheobase))
        assert (len(ticks) > 0) == fires


def test_adex_presets_fire_as_published() -> None:
    """Naud et al. 2008, figure 4: intervals between spikes, in order of time."""
    intervals = {}
    for name, current in AdEx.currents.items():
        ticks, _ = spikes(AdEx.preset(name, 1), 0.1 * ms, np.full(8000, current))
        intervals[name] = np.diff(ticks) * 0.1
    tonic, adapting, first = (intervals[k] for k in ("tonic", "adapting", "initial burst"))
    assert len(tonic) > 5 and np.ptp(tonic[2:]) < 0.05 * tonic.mean()
    assert len(adapting) > 3 and adapting[-1] > 1.5 * adapting[0]
    assert first[0] < 0.5 * first[-1] and np.ptp(first[-3:]) < 0.1 * first[-1]
    burst = intervals["bursting"]
    assert burst.max() > 3 * np.median(burst)  # pauses between groups
    speeding = intervals["accelerating"]
    assert speeding[-1] < 0.8 * speeding[0]
    assert np.std(intervals["irregular"]) > 0.2 * intervals["irregular"].mean()
    with pytest.raises(UnknownName, match="Did you mean 'tonic'"):
        AdEx.preset("tonc")


def test_gif_spikes_at_the_rate_of_its_escape_law() -> None:
    """v is constant, so a tick holds a spike with chance 1 - exp(-dt 1 kHz e^(d / delta_v))."""
    quiet = dict.fromkeys(("a_1", "a_2", "b_1", "b_2"), 0.0)
    for distance in (-2e-3, 0.0, 1e-3):
        v = -48e-3 + distance
        neuron = GIF(
            500, e_leak=v, v_reset=v, escape="exponential", seed=3.0, **quiet
        )  # fmt: skip
        out, _ = Population(neuron, Clock(0.5 * ms))(torch.zeros(100, 2, 500))
        chance = 1 - np.exp(-1000 * 0.5e-3 * np.exp(distance / 1e-3))
        error = np.sqrt(chance * (1 - chance) / out.numel())
        assert abs(float(out.mean()) - chance) < 4 * error


def test_gif_without_adaptation_has_the_f_i_curve_of_a_leaky_membrane() -> None:
    quiet = dict.fromkeys(("a_1", "a_2", "b_1", "b_2"), 0.0)
    for current, refractory in ((80e-12, 0), (90e-12, 4), (200e-12, 2)):
        neuron = GIF(1, v_reset=-65e-3, refractory=refractory * ms, **quiet)
        ticks, _ = spikes(neuron, 1 * ms, np.full(3000, current))
        reach = current / 5e-9 * (1 - np.exp(-np.arange(1, 500) / 20)) > 17e-3
        expected = {reach.argmax() + 1 + refractory} if reach.any() else set()
        assert set(np.diff(ticks)) == expected


@pytest.mark.parametrize(
    ("preset", "silent", "firing"), [("snic", 39.0, 41.0), ("hopf", 85.0, 97.0)]
)
def test_morris_lecar_starts_firing_where_published(preset, silent, firing) -> None:
    """Rinzel & Ermentrout 1998: saddle-node at 40 uA/cm^2, Hopf bifurcation at 94."""
    rates = [
        len(spikes(MorrisLecar.preset(preset, 1), 0.2 * ms, np.full(25_000, i))[0])
        for i in (silent, firing)
    ]
    assert rates[0] <= 1  # the step itself may cause one
    assert rates[1] >= 5


def test_morris_lecar_of_type_1_starts_slowly_and_of_type_2_does_not() -> None:
    slow = np.diff(spikes(MorrisLecar.preset("snic", 1), 0.2 * ms, np.full(25_000, 40.2))[0])
    fast = np.diff(spikes(MorrisLecar.preset("hopf", 1), 0.2 * ms, np.full(25_000, 96.0))[0])
    assert slow[-1] * 0.2 > 200 > 130 > fast[-1] * 0.2
    with pytest.raises(UnknownName, match="Did you mean 'hopf'"):
        MorrisLecar.preset("hofp")


def step(level, since, before=0.0):
    return lambda t: level if t > since else before


def during(level, *windows, base=0.0):
    return lambda t: level if any(a < t < b for a, b in windows) else base


# Figure 1 of the 2004 paper: tick in ms, duration in ms, v at the start, current.
FIGURE = {
    "tonic spiking": (0.25, 100, -70.0, step(14, 10)),
    "phasic spiking": (0.25, 200, -64.0, step(0.5, 20)),
    "tonic bursting": (0.25, 220, -70.0, step(15, 22)),
    "phasic bursting": (0.2, 200, -64.0, step(0.6, 20)),
    "mixed mode": (0.25, 160, -70.0, step(10, 16)),
    "spike frequency adaptation": (0.25, 85, -70.0, step(30, 8.5)),
    "class 1 excitable": (0.25, 300, -60.0, lambda t: 0.075 * (t - 30) if t > 30 else 0.0),
    "class 2 excitable": (0.25, 300, -64.0, lambda t: -0.5 + max(0.0, 0.015 * (t - 30))),
    "spike latency": (0.2, 100, -70.0, during(7.04, (10, 13))),
    "subthreshold oscillations": (0.25, 200, -62.0, during(2, (20, 25))),
    "resonator": (0.25, 400, -62.0, during(0.65, (40, 44), (60, 64), (280, 284), (320, 324))),
    "integrator": (
        0.25, 100, -60.0,
        during(9, (100 / 11, 100 / 11 + 2), (100 / 11 + 5, 100 / 11 + 7), (70, 72), (80, 82)),
    ),
    "rebound spike": (0.2, 200, -64.0, during(-15, (20, 25))),
    "rebound burst": (0.2, 200, -64.0, during(-15, (20, 25))),
    "threshold variability": (
        0.25, 100, -64.0,
        lambda t: 1.0 if 10 < t < 15 or 80 < t < 85 else -6.0 if 70 < t < 75 else 0.0,
    ),
    "bistability": (0.25, 300, -61.0, during(1.24, (37.5, 42.5), (216, 221), base=0.24)),
    "depolarizing after-potential": (0.1, 50, -70.0, during(20, (9, 11))),
    "inhibition-induced spiking": (0.5, 350, -63.8, lambda t: 80.0 if t < 50 or t > 250 else 75.0),
    "inhibition-induced bursting": (0.5, 350, -63.8, lambda t: 80.0 if t < 50 or t > 250 else 75.0),
}  # fmt: skip


def figure(name):
    """Times of the spikes in ms, in a run of the figure's protocol from its starting point."""
    tick, duration, v, current = FIGURE[name]
    neuron = Izhikevich.preset(name, 1)
    x = [current(n * tick) for n in range(round(duration / tick) + 1)]
    ticks, _ = spikes(neuron, tick * ms, x, start=(v, float(neuron.b) * v))
    return ticks * tick


@pytest.mark.parametrize("name", FIGURE)
def test_izhikevich_repeats_the_program_of_the_figure(name) -> None:
    tick, duration, v, current = FIGURE[name]
    cell = Izhikevich.preset(name)
    a, b, c, d = (float(getattr(cell, k)) for k in "abcd")
    square = (4.1, 108.0) if name in ("class 1 excitable", "integrator") else (5.0, 140.0)
    u, expected = b * v, []
    for n in range(round(duration / tick) + 1):
        v = v + tick * (0.04 * v**2 + square[0] * v + square[1] - u + current(n * tick))
        u = u + tick * a * (b * v - u)
        if v > 30:
            v, u = c, u + d
            expected.append(n * tick)
    np.testing.assert_allclose(figure(name), expected)
    assert expected


def test_izhikevich_patterns_look_as_named() -> None:
    at = {name: figure(name) for name in FIGURE}
    assert len(at["phasic spiking"]) == 1 and len(at["spike latency"]) == 1
    assert at["spike latency"][0] > 13 + 10  # long after the pulse
    assert len(at["rebound spike"]) == 1 and at["rebound spike"][0] > 25
    assert len(at["rebound burst"]) > 2 and at["rebound burst"][0] > 25
    assert np.ptp(at["phasic bursting"]) < 60 and len(at["phasic bursting"]) > 3
    assert np.diff(at["tonic bursting"]).max() > 5 * np.diff(at["tonic bursting"]).min()
    assert np.diff(at["spike frequency adaptation"])[-1] > 2 * np.diff(
        at["spike frequency adaptation"]
    )[0]  # fmt: skip
    assert all(at["integrator"] < 30)  # the near pair fires it, the far pair does not
    assert all(at["resonator"] > 280)  # the pair in its rhythm does
    assert all(at["threshold variability"] > 80)  # only after inhibition
    between = at["inhibition-induced spiking"]
    assert len(between) >= 3 and all((between > 50) & (between < 260))


def test_izhikevich_presets_of_2003_and_names() -> None:
    x = np.full(1000, 10.0)
    counts = {k: len(spikes(Izhikevich.preset(k, 1), 1 * ms, x)[0]) for k in ("RS", "FS", "CH")}
    assert counts["FS"] > 2 * counts["RS"]
    intervals = np.diff(spikes(Izhikevich.preset("CH", 1), 1 * ms, x)[0])
    assert intervals.max() > 4 * intervals.min()
    assert len(Izhikevich.presets) == 7 + 19
    with pytest.raises(Unsupported, match=r"accommodation.*du/dt = a b \(v \+ 65\).*Remedy"):
        Izhikevich.preset("accommodation")
    with pytest.raises(UnknownName, match="Did you mean 'rebound spike'"):
        Izhikevich.preset("rebound spikes")
