"""Synapses of three partners: a neuron, the neuron it reaches, and an astrocyte beside them."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from neuro.errors import InvalidValue
from neuro.network import Synapse
from neuro.synapses import FixedProbability, Sparse

Pool = Literal["random", "block"]


def tripartite(
    pre: str, post: str, astrocyte: str, sizes: tuple[int, int, int], *, p: float,
    p_astrocyte: float = 1.0, pool_size: int = 1, pool: Pool = "random", weight: float = 1.0,
    to_astrocyte: float = 1.0, from_astrocyte: float = 1.0, delay: float = 1e-3,
    astrocyte_delay: float = 1e-3, ports: tuple[str, str, str] = ("", "", ""), seed: int = 0,
    autapses: bool = True,
) -> tuple[Synapse, Synapse, Synapse]:  # fmt: skip
    """Synapses pre -> post, pre -> astrocyte and astrocyte -> post.

    Each pair of neurons is connected with probability p. Each connection has, with probability
    `p_astrocyte`, an astrocyte, drawn from the pool of its postsynaptic neuron: then the
    presynaptic spike also reaches the astrocyte, and the astrocyte the postsynaptic neuron.

    Args:
        pre, post, astrocyte: names of the populations.
        sizes: their numbers of units.
        pool_size: astrocytes in the pool of each postsynaptic neuron.
        pool: "random" draws each pool without repetition; "block" gives neighbouring neurons the
            same astrocytes, blocks of equal size.
        weight, to_astrocyte, from_astrocyte: of the three kinds of synapse.
        delay: seconds, of pre -> post.
        astrocyte_delay: seconds, of the other two.
        ports: input ports of post, of the astrocyte, and of post for what the astrocyte emits; the
            first port by default.
        seed: of everything drawn.
        autapses: whether a neuron may reach itself.

    Returns:
        The three synapses, each a `Sparse`, named "pre->post", "pre->astrocyte" and
        "astrocyte->post". An astrocyte that is beside several connections of one pair of partners
        has as many synapses there.

    Raises:
        InvalidValue: a probability is outside [0, 1], or a pool cannot be made.

    Source: the rule tripartite_bernoulli_with_pool of NEST (Jiang et al., PLOS Computational
    Biology 21 (2025)).
    """
    n_pre, n_post, n_third = sizes
    if not 0 <= p_astrocyte <= 1:
        raise InvalidValue(f"tripartite.p_astrocyte: got {p_astrocyte!r}, expected 0 <= p <= 1")
    generator = np.random.Generator(np.random.Philox(key=seed))
    pools = _pools(n_post, n_third, pool_size, pool, generator)
    rule = FixedProbability(p, seed=seed, autapses=autapses)
    start, target, _ = rule.rows((n_pre,), (n_post,), 0, n_pre)
    source = np.repeat(np.arange(n_pre), np.diff(start))
    beside = generator.random(len(target)) < p_astrocyte
    chosen = pools[target[beside], generator.integers(0, pool_size, int(beside.sum()))]
    return (
        Synapse(pre, post, Sparse(source, target, weight), delay, ports[0], f"{pre}->{post}"),
        Synapse(
            pre, astrocyte, Sparse(source[beside], chosen, to_astrocyte), astrocyte_delay,
            ports[1], f"{pre}->{astrocyte}",
        ),
        Synapse(
            astrocyte, post, Sparse(chosen, target[beside], from_astrocyte), astrocyte_delay,
            ports[2], f"{astrocyte}->{post}",
        ),
    )  # fmt: skip


def _pools(
    posts: int, astrocytes: int, size: int, kind: str, generator: np.random.Generator
) -> NDArray[Any]:
    """The astrocytes of every postsynaptic neuron, [posts, size]."""
    if not 1 <= size <= astrocytes:
        raise InvalidValue(
            f"tripartite.pool_size: got {size}, expected 1 to the {astrocytes} astrocytes"
        )
    if kind == "random":
        keys = generator.random((posts, astrocytes))
        return np.argpartition(keys, size - 1, axis=1)[:, :size]
    if kind != "block":
        raise InvalidValue(f"tripartite.pool: got {kind!r}, expected 'random' or 'block'")
    if size == 1:  # several neurons to an astrocyte
        per = posts / astrocytes
        if per != int(per):
            raise InvalidValue(
                f"tripartite.pool: {posts} neurons do not divide among {astrocytes} astrocytes in "
                "blocks of equal size"
            )
        return (np.arange(posts) // int(per))[:, None]
    if posts * size != astrocytes:
        raise InvalidValue(
            f"tripartite.pool: blocks of {size} for {posts} neurons need {posts * size} "
            f"astrocytes, but there are {astrocytes}"
        )
    return np.arange(astrocytes).reshape(posts, size)
