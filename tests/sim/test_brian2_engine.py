"""Networks in Brian2 against the definition in PyTorch, in float64.

Brian2 is looked for in the environment variable NEURO_BRIAN2 (a Python that can also import neuro
with its extra "sim") and in .bench/brian2.
"""

import importlib.util
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

from neuro import sim
from neuro.errors import MissingExtra, Unsupported
from neuro.rules.batched import Batched
from neuro.sim import brian2_engine
from neuro.train import Module

HERE = Path(__file__).parent
PYTHON = Path(os.environ.get("NEURO_BRIAN2") or HERE.parents[1] / ".bench/brian2/bin/python")
SIDE = HERE / "networks_side.py"
spec = importlib.util.spec_from_file_location("networks_side", SIDE)
side = importlib.util.module_from_spec(spec)
spec.loader.exec_module(side)

NEURONS = [
    "LIF", "LIF:graded", "LIF subtract", "IF", "ALIF", "ALIF zero", "MAT", "CubaLIF",
    "CubaLIF same", "TwoCurrentLIF", "AlphaLIF", "CobaLIF", "Izhikevich", "Izhikevich euler",
    "EIF", "AdEx", "HodgkinHuxley", "LI", "LI:graded", *side.OTHERS,
]  # fmt: skip
RULES = ["PairSTDP", "PairSTDP nearest", "TripletSTDP", "RewardSTDP", "Clopath"]
REFUSED = ["normalised", "MAT:2"]


@pytest.fixture(scope="module")
def brian2(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """What Brian2 did with all networks."""
    if not PYTHON.exists():
        pytest.skip("Brian2 is not installed; make .bench/brian2/.done, or set NEURO_BRIAN2")
    path = tmp_path_factory.mktemp("brian2") / "record.npz"
    command = [str(PYTHON), str(SIDE), "brian2", str(path)]
    environment = os.environ | {"PYTHONPATH": str(HERE.parents[1]), "OMP_NUM_THREADS": "1"}
    jobs = [*NEURONS, *RULES, *REFUSED, "chance"]
    done = subprocess.run(
        [*command, *jobs], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return dict(np.load(path))


def definition(job: str) -> dict[str, np.ndarray]:
    name, _, option = job.partition(":")
    network = side.NETWORKS[name]()
    x = torch.tensor(side.drive(graded=option == "graded")[:, None])
    with torch.no_grad():
        module = Module(network, backend="reference").to(torch.float64)
        record, _ = module(x, record=side.recorded(network))
    return {n: record.array(n) for n in side.recorded(network)}


@pytest.mark.parametrize("job", NEURONS)
def test_every_spike_and_state_is_that_of_the_definition(brian2, job: str) -> None:
    for name, expected in definition(job).items():
        got = brian2[f"{job}/{name}"]
        if name.endswith(".spikes"):
            assert expected.sum() > 30
            np.testing.assert_array_equal(got, expected, err_msg=name)
        else:  # sums over presynaptic units are taken in another order
            np.testing.assert_allclose(got, expected, rtol=0, atol=1e-14 * abs(expected).max())


@pytest.mark.parametrize("job", RULES)
def test_weights_are_those_of_the_rule_over_the_spikes_there_were(brian2, job: str) -> None:
    network = side.NETWORKS[job]()
    for s in (s for s in network.synapses if s.rule is not None):
        weight = s.topology.weight.astype(float)
        delay = np.broadcast_to(network.delay_ticks(s), weight.shape[1:]) + np.zeros_like(weight)
        modulator = brian2[f"{job}/{s.modulator}.spikes"] if s.modulator else None
        reads = {n: brian2[f"{job}/{s.post}.{n}"] for n in s.rule.reads}
        pre, post = (brian2[f"{job}/{n}.spikes"].astype(float) for n in (s.pre, s.post))
        state = Batched(s.rule, network.clock, delay=delay).run(weight, pre, post, modulator, reads)
        got = brian2[f"{job}/{s.name}.weight"]
        assert got.shape == (side.STEPS + 1, 1, weight.size)
        np.testing.assert_array_equal(got[0, 0].reshape(weight.T.shape), weight.T)
        learned = got[-1, 0].reshape(weight.T.shape).T
        assert abs(learned - weight).max() > 0.01
        np.testing.assert_allclose(learned, state.s.w[0], rtol=0, atol=1e-14)


@pytest.mark.parametrize("job", [*RULES, "chance", "LI"])
def test_the_compiled_engine_gives_the_same_network_the_same_spikes(brian2, job: str) -> None:
    network = side.NETWORKS[job]()
    inputs = {"in": side.drive()} if "in" in network.populations else None
    seconds = side.STEPS * network.clock.dt
    names = side.recorded(network)
    record = sim.run(network, seconds, inputs=inputs, record=names, dtype="float64")
    for name in names:
        got, expected = brian2[f"{job}/{name}"], record.array(name)
        if name.endswith(".spikes"):
            assert expected.sum() > 20
            np.testing.assert_array_equal(got, expected, err_msg=name)
        else:  # it records weights in float32
            atol = 1e-7 if name.endswith(".weight") else 1e-13
            np.testing.assert_allclose(got, expected, rtol=0, atol=atol * abs(expected).max())


def test_what_cannot_be_translated_is_refused_with_the_reason(brian2) -> None:
    assert "looks at more than one synapse" in str(brian2["normalised/refused"])
    assert "one thread" in str(brian2["MAT:2/refused"])


@pytest.mark.skipif(importlib.util.find_spec("brian2") is not None, reason="Brian2 is installed")
def test_without_brian2_the_extra_is_named() -> None:
    with pytest.raises(MissingExtra, match=r"neuro\[brian2\]"):
        brian2_engine.run(side.NETWORKS["LIF"](), 10)


def test_more_threads_than_one_are_refused() -> None:
    with pytest.raises(Unsupported, match="threads"):
        brian2_engine.run(side.NETWORKS["LIF"](), 10, threads=2)
