"""Networks for comparisons, and the program that runs them in the environment of another engine.

Weights, constants and inputs are generic numbers, so that no potential meets a threshold exactly.
"""

import sys

import numpy as np

from neuro import Clock, Input, Network, Synapse, ms
from neuro.distributions import Normal
from neuro.neurons import (
    ALIF,
    AMSU,
    EIF,
    GIF,
    IF,
    LI,
    LIF,
    MAT,
    QIF,
    AdEx,
    AlphaLIF,
    Astrocyte,
    CobaLIF,
    CubaLIF,
    DendriticSegment,
    HodgkinHuxley,
    Izhikevich,
    LiquidAstrocyte,
    MetaNeuron,
    MorrisLecar,
    ResonateAndFire,
    SigmaDelta,
    TwoCompartment,
    TwoCurrentLIF,
    TwoPoint,
)
from neuro.rules import (
    Clopath,
    HeterosynapticNormalisation,
    PairSTDP,
    RewardSTDP,
    TripletSTDP,
)
from neuro.sources import OrnsteinUhlenbeck, Poisson
from neuro.synapses import Dense, FixedInDegree, FixedProbability, OneToOne

STEPS = 600


def generic(rng, low, high, size):
    """Values that differ by unit."""
    return rng.uniform(low, high, size)


def loop(neuron, *, dt=1 * ms, drive=1.0, ports=("", ""), inhibition=-1.0):
    """Inputs to 20 neurons that feed back to each other with delays of several kinds.

    What they fire reaches a second population without delay.

    Args:
        neuron: called with a generator, makes a population of 20.
        drive: scale of all weights.
        ports: for excitation and inhibition.
        inhibition: sign of the weights of inhibition.
    """
    rng = np.random.default_rng(3)

    def weights(scale, pre=20):
        return Dense(scale * drive * rng.uniform(0, 1, (20, pre)))

    return Network(
        {"in": Input(15), "exc": neuron(rng), "out": neuron(rng)},
        [
            Synapse("in", "exc", weights(1.0, 15), port=ports[0], delay=2 * dt),
            Synapse("exc", "exc", weights(0.2), port=ports[0], delay=rng.integers(1, 9, 20) * dt),
            Synapse("exc", "exc", weights(0.2 * inhibition), port=ports[1], delay=3 * dt,
                    name="inhibit"),
            Synapse("exc", "out", weights(0.4), port=ports[0]),
        ],
        ("exc", "out"), Clock(dt),
    )  # fmt: skip


def fed(neuron, scale=1.0, dt=1 * ms):
    """An input at every port of 12 neurons, and what they send to a leaky integrator."""
    rng = np.random.default_rng(8)
    ports = [n for n in type(neuron).Inputs._fields if n not in type(neuron).noise]
    return Network(
        {"in": Input(15), "exc": neuron, "out": LI(3)},
        [
            *(Synapse("in", "exc", Dense(scale * rng.uniform(0, 1, (12, 15))), port=port)
              for port in ports),
            Synapse("exc", "out", Dense(rng.uniform(0, 1, (3, 12))), delay=2 * dt),
        ],
        ("exc", "out"), Clock(dt),
    )  # fmt: skip


OTHERS = {
    "GIF": lambda: fed(GIF(12)),
    "MetaNeuron": lambda: fed(MetaNeuron(12)),
    "QIF": lambda: fed(QIF(12), 10.0),
    "ResonateAndFire": lambda: fed(ResonateAndFire(12), 3.0),
    "MorrisLecar": lambda: fed(MorrisLecar(12), 300.0, 0.2 * ms),
    "TwoCompartment": lambda: fed(TwoCompartment(12)),
    "TwoPoint": lambda: fed(TwoPoint(12)),
    "DendriticSegment": lambda: fed(DendriticSegment(12)),
    "AMSU": lambda: fed(AMSU(12)),
    "Astrocyte": lambda: fed(Astrocyte(12)),
    "LiquidAstrocyte": lambda: fed(LiquidAstrocyte(12)),
    "SigmaDelta": lambda: fed(SigmaDelta(12)),
}  # fmt: skip


def learning(rule):
    """Spikes of a population and of a loop reach 12 neurons through synapses that learn."""
    rng = np.random.default_rng(11)
    third = {"modulator": "reward"} if rule.Modulator._fields else {}
    return Network(
        {"in": Input(15), "pre": LIF(20), "post": LIF(12, refractory=2 * ms), "reward": LIF(1)},
        [
            Synapse("in", "pre", Dense(rng.uniform(0.1, 1.0, (20, 15)))),
            Synapse("in", "reward", Dense(rng.uniform(0.05, 0.3, (1, 15)))),
            Synapse("pre", "post", Dense(rng.uniform(0.05, 0.45, (12, 20))),
                    delay=rng.integers(1, 5, 20) * ms, rule=rule, **third),
            Synapse("post", "post", Dense(rng.uniform(0.1, 0.3, (12, 12))),
                    delay=3 * ms, rule=rule, **third),
        ],
        ("pre", "post", "reward"), Clock(1 * ms),
    )  # fmt: skip


def chance():
    """Poisson spikes and noisy currents onto neurons with connections and delays by rule."""
    return Network(
        {"noise": OrnsteinUhlenbeck(40, mean=0.02, sd=0.02, tau=5 * ms, seed=4),
         "ext": Poisson(30, rate=900.0, seed=2), "exc": CubaLIF(40), "inh": LIF(10)},
        [
            Synapse("noise", "exc", OneToOne(weight=1.0)),
            Synapse("ext", "exc", FixedProbability(0.3, weight=Normal(0.6, 0.1), seed=1),
                    delay=Normal(3 * ms, 1 * ms, low=1 * ms)),
            Synapse("exc", "inh", FixedInDegree(10, weight=0.21, seed=5), delay=1 * ms),
            Synapse("inh", "exc", FixedProbability(0.5, weight=Normal(-0.9, 0.2, high=0.0), seed=3),
                    delay=Normal(4 * ms, 2 * ms, low=1 * ms)),
        ],
        ("exc", "inh", "ext"), Clock(1 * ms),
    )  # fmt: skip


NETWORKS = OTHERS | {
    "chance": chance,
    "brief loop": lambda: Network(
        {"a": LIF(2), "b": LIF(2)},
        [Synapse("a", "b", Dense(np.eye(2))), Synapse("b", "a", Dense(np.eye(2)), delay=1 * ms)],
        ("a",), Clock(1 * ms),
    ),
    "LIF": lambda: loop(
        lambda r: LIF(20, tau_mem=generic(r, 15, 25, 20) * ms, refractory=3 * ms, v_leak=0.1)
    ),
    "LIF subtract": lambda: loop(lambda r: LIF(20, reset="subtract"), drive=0.5),
    "IF": lambda: loop(lambda r: IF(20, v_th=generic(r, 1, 2, 20)), drive=0.3),
    "ALIF": lambda: loop(lambda r: ALIF(20, beta=generic(r, 0.1, 0.3, 20)), drive=0.6),
    "ALIF zero": lambda: loop(
        lambda r: ALIF(20, beta=generic(r, 0.1, 0.3, 20), v_leak=0.1, reset="zero"), drive=0.9
    ),
    "bias": lambda: Network(
        {"in": Input(15), "a": Izhikevich(6), "b": LIF(4)},
        [
            Synapse("in", "a", Dense(25 * np.random.default_rng(6).uniform(0, 1, (6, 15)),
                                     bias=np.linspace(2, 4, 6)), delay=1 * ms),
            Synapse("a", "b", Dense(np.random.default_rng(7).uniform(0.5, 1.5, (4, 6)))),
        ],
        ("a", "b"), Clock(1 * ms),
    ),
    "MAT": lambda: loop(lambda r: MAT(20, v_leak=0.05), drive=1.2),
    "CubaLIF": lambda: loop(
        lambda r: CubaLIF(20, tau_mem=generic(r, 15, 25, 20) * ms, refractory=2 * ms, v_leak=0.1),
        drive=3.0,
    ),
    "CubaLIF same": lambda: loop(
        lambda r: CubaLIF(20, r=generic(r, 0.8, 1.2, 20), arrival="same"), drive=3.0
    ),
    "TwoCurrentLIF": lambda: loop(
        lambda r: TwoCurrentLIF(20, r=generic(r, 0.8, 1.2, 20), refractory=2 * ms), drive=3.0,
        ports=("excitation", "inhibition"), inhibition=-1.0,
    ),
    "wrong sign": lambda: loop(
        lambda r: TwoCurrentLIF(20), ports=("excitation", "inhibition"), inhibition=1.0,
    ),
    "AlphaLIF": lambda: loop(lambda r: AlphaLIF(20, refractory=1 * ms), drive=1.2),
    "CobaLIF": lambda: loop(
        lambda r: CobaLIF(20, refractory=5 * ms), dt=0.1 * ms, drive=0.8,
        ports=("excitation", "inhibition"), inhibition=1.0,
    ),
    "Izhikevich": lambda: loop(
        lambda r: Izhikevich(20, a=generic(r, 0.02, 0.03, 20)), drive=25.0
    ),
    "Izhikevich euler": lambda: loop(
        lambda r: Izhikevich(20, integrator="euler"), dt=0.5 * ms, drive=40.0
    ),
    "EIF": lambda: loop(lambda r: EIF(20), dt=0.1 * ms, drive=15e-9),
    "AdEx": lambda: loop(lambda r: AdEx(20), dt=0.1 * ms, drive=15e-9),
    "HodgkinHuxley": lambda: loop(
        lambda r: HodgkinHuxley(20), dt=0.05 * ms, drive=120.0
    ),
    "PairSTDP": lambda: learning(PairSTDP(a_plus=0.01, a_minus=0.012, w_max=0.5)),
    "PairSTDP nearest": lambda: learning(
        PairSTDP(w_max=0.5, dependence="guetig", pairing="nearest", mu_plus=0.3, mu_minus=0.4)
    ),
    "TripletSTDP": lambda: learning(TripletSTDP()),
    "RewardSTDP": lambda: learning(RewardSTDP()),
    "Clopath": lambda: learning(Clopath()),
    "normalised": lambda: learning(PairSTDP() + HeterosynapticNormalisation()),
    "LI": lambda: Network(
        {"in": Input(15), "hid": LI(6, tau_mem=10 * ms), "out": LIF((2, 4))},
        [
            Synapse("in", "hid", Dense(np.random.default_rng(1).uniform(-0.3, 1, (6, 15)))),
            Synapse("hid", "out", Dense(np.random.default_rng(2).uniform(-0.1, 0.2, (8, 6)),
                                        bias=np.linspace(0.01, 0.05, 8), post=(2, 4))),
            Synapse("out", "hid", Dense(np.random.default_rng(4).uniform(-1, 0.2, (6, 8))),
                    delay=2 * ms),
            Synapse("hid", "out", Dense(np.random.default_rng(5).uniform(-0.1, 0.1, (8, 6)),
                                        post=(2, 4)),
                    delay=np.arange(1, 7) * ms, name="late"),
        ],
        ("hid", "out"), Clock(1 * ms),
    ),
}  # fmt: skip


def drive(steps=STEPS, units=15, graded=False):
    """Counts, or graded values, of an Input [T, units]."""
    rng = np.random.default_rng(5)
    x = (rng.random((steps, units)) < 0.04) * rng.integers(1, 3, (steps, units))
    return x * rng.uniform(0.5, 1.5, (steps, units)) if graded else x.astype(np.float64)


def recorded(network):
    """Names of all signals."""
    names = []
    for name, neuron in network.neurons().items():
        names += [f"{name}.spikes"] if neuron.emits == "spikes" else []
        names += [f"{name}.{field}" for field in type(neuron).State._fields]
    return names + [f"{s.name}.weight" for s in network.synapses if s.rule is not None]


def main(engine, path, *jobs):
    """Run networks in an engine of this environment and write what was recorded, or refused.

    A job is a name of `NETWORKS`, with ":graded" for values as input or ":2" for two threads.
    """
    from neuro import sim
    from neuro.errors import Unsupported

    if engine == "brian2":
        import brian2

        brian2.prefs.codegen.target = "numpy"  # compiling would take a minute a network
    written = {}
    for job in jobs:
        name, _, option = job.partition(":")
        network = NETWORKS[name]()
        inputs = {"in": drive(graded=option == "graded")} if "in" in network.populations else None
        kept = recorded(network)
        if engine == "nest":
            kept = [n for n in kept if n.endswith((".spikes", ".v"))]
        try:
            got = sim.run(network, STEPS * network.clock.dt, inputs=inputs, record=kept,
                          threads=2 if option == "2" else 1, engine=engine)  # fmt: skip
        except Unsupported as error:
            written[f"{job}/refused"] = str(error)
        else:
            written |= {f"{job}/{n}": got.array(n) for n in kept}
    np.savez(path, **written)


if __name__ == "__main__":
    main(*sys.argv[1:])
