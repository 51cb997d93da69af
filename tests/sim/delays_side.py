"""Networks with a delay for each connection, an oracle, and the program that runs them elsewhere.

Weights and inputs are multiples of 1/8 and nothing leaks, so that every sum is exact and spikes do
not depend on the order of additions.
"""

import sys

import numpy as np

from neuro import Clock, Input, Network, Synapse, ms
from neuro.neurons import IF
from neuro.rules import PairSTDP
from neuro.synapses import Dense, Sparse

STEPS = 80


def network(seed, *, longest=9, least=0, bias=True, sizes=(5, 6, 4), dt=1 * ms, sparse=False):
    """in -> hid -> out, hid onto itself and out back onto hid, all with delays of their own.

    Args:
        least, longest: ticks of delays within loops and without; loops have at least one.
    """
    rng = np.random.default_rng([seed, 77])
    pre, hid, out = sizes

    def edge(a, b, post, sent, shortest, name=""):
        weight = rng.integers(-3, 6, (post, sent)) / 8
        ticks = rng.integers(shortest, longest + 1, (post, sent))
        if sparse:
            to, of = np.nonzero(weight)
            order = rng.permutation(len(to))
            to, of = to[order], of[order]
            delay = np.rint(ticks[to, of]) * dt
            return Synapse(a, b, Sparse(of, to, weight[to, of]), delay, name=name)
        own = rng.integers(0, 3, post) / 8 if bias and b == "hid" and a == "in" else None
        return Synapse(a, b, Dense(weight, own), ticks * dt, name=name)

    return Network(
        {"in": Input(pre), "hid": IF(hid, v_th=0.6875), "out": IF(out, v_th=0.6875)},
        [
            edge("in", "hid", hid, pre, least),
            edge("hid", "out", out, hid, least),
            edge("hid", "hid", hid, hid, max(1, least)),
            edge("out", "hid", hid, out, max(1, least), "back"),
        ],
        ("hid", "out"), Clock(dt),
    )  # fmt: skip


def drive(network, seed=0, steps=STEPS):
    """Spikes into "in" [T, units]."""
    units = network.populations["in"].size
    return (np.random.default_rng([seed, 5]).random((steps, units)) < 0.25).astype(float)


def oracle(network, x):
    """Spikes of "hid" and "out" [T, units], connection by connection in plain Python."""
    dt = network.clock.dt
    sent = {"in": x.astype(int)}
    v = {}
    for name in ("hid", "out"):
        sent[name] = np.zeros((len(x), network.populations[name].size), int)
        v[name] = [0.0] * network.populations[name].size
    edges = []  # of each neuron: (from, unit, ticks, weight); and what is added in every tick
    added = {n: [0.0] * len(v[n]) for n in v}
    for s in network.synapses:
        topology = s.topology
        if isinstance(topology, Dense):
            post, pre = topology.weight.shape
            listed = [(i, j, topology.weight[i, j], s.delay[i, j])
                      for i in range(post) for j in range(pre)]  # fmt: skip
            if topology.bias is not None:
                for i, b in enumerate(topology.bias):
                    added[s.post][i] += float(b)
        else:
            listed = list(zip(topology.post, topology.pre, topology.weight, s.delay, strict=True))
        edges += [(s.post, int(i), s.pre, int(j), round(d / dt), float(w)) for i, j, w, d in listed]
    for t in range(len(x)):
        for name in ("hid", "out"):  # out hears hid in the same tick
            threshold = network.populations[name].v_th
            for i in range(len(v[name])):
                u = v[name][i] + added[name][i]
                for post, unit, pre, j, ticks, w in edges:
                    if (post, unit) == (name, i) and w and t >= ticks and sent[pre][t - ticks, j]:
                        u += w
                fires = u > threshold
                sent[name][t, i] = fires
                v[name][i] = 0.0 if fires else u
    return {f"{n}.spikes": sent[n] for n in v}


def learning():
    """Spikes that reach two cells through synapses that learn, each with a delay of its own."""
    rng = np.random.default_rng(9)
    weight = rng.uniform(0.1, 0.5, (4, 6))
    return Network(
        {"in": Input(6), "hid": IF(4, v_th=0.8), "out": IF(4, v_th=0.9)},
        [
            Synapse("in", "hid", Dense(rng.uniform(0.2, 0.6, (4, 6)))),
            Synapse("in", "out", Dense(weight), rng.integers(1, 12, (4, 6)) * ms, rule=RULE),
            Synapse("hid", "out", Dense(0.3 * np.ones((4, 4)))),
        ],
        ("in", "out"), Clock(1 * ms),
    )  # fmt: skip


RULE = PairSTDP(a_plus=0.02, a_minus=0.025, w_max=0.6)
NETWORKS = {
    "matrix": lambda: network(0),
    "late": lambda: network(1, least=2),
    "single": lambda: network(2, longest=1),  # one tick, or none
    "list": lambda: network(3, sparse=True),
    "fine": lambda: network(4, dt=0.1 * ms),
    "nest": lambda: network(5, least=1, bias=False),
}


def main(engine, path, *jobs):
    """Run networks in an engine of this environment and write their spikes, or why not."""
    from neuro import sim
    from neuro.errors import Unsupported

    if engine == "brian2":
        import brian2

        brian2.prefs.codegen.target = "numpy"  # compiling would take a minute a network
    written = {}
    for job in jobs:
        net = NETWORKS[job]() if job in NETWORKS else learning()
        names = ["hid.spikes", "out.spikes"]
        names += [f"{s.name}.weight" for s in net.synapses if s.rule is not None]
        try:
            got = sim.run(
                net, STEPS * net.clock.dt, inputs={"in": drive(net)}, engine=engine, record=names
            )
        except Unsupported as error:
            written[f"{job}/refused"] = str(error)
        else:
            written |= {f"{job}/{n}": got.array(n) for n in names}
    np.savez(path, **written)


if __name__ == "__main__":
    main(*sys.argv[1:])
