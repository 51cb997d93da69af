"""The synapses of a matrix or a network as rows, columns and weights, a stretch at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuro.errors import InvalidValue
from neuro.network import Network

_STRETCH = 1 << 22  # synapses that are looked at together


class Entries(NamedTuple):
    """Synapses: flat postsynaptic unit, flat presynaptic unit, weight."""

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    weights: NDArray[np.float64]


def of_matrix(weights: Any) -> tuple[tuple[int, int], Iterator[Entries]]:
    """Shape [post, pre] and entries other than 0 of an array or a SciPy sparse matrix.

    Raises:
        InvalidValue: not two axes, or weights that are not finite.
    """
    if hasattr(weights, "tocoo"):
        sparse = weights.tocoo()
        rows, columns, values = sparse.row, sparse.col, np.asarray(sparse.data, np.float64)
        shape = (int(sparse.shape[0]), int(sparse.shape[1]))
    else:
        array = np.asarray(weights, dtype=np.float64)
        if array.ndim != 2 or not array.size:
            raise InvalidValue(
                f"connectivity.weights: got shape {array.shape}, expected [post, pre]"
            )
        rows, columns = np.nonzero(array)
        values, shape = array[rows, columns], (array.shape[0], array.shape[1])
    if not np.isfinite(values).all():
        raise InvalidValue("connectivity.weights: expected finite weights")
    return shape, iter([Entries(rows.astype(np.int64), columns.astype(np.int64), values)])


def senders_and_receivers(network: Network) -> tuple[dict[str, int], dict[str, int]]:
    """Sizes of the populations that synapses leave, and of those that they reach.

    Raises:
        InvalidValue: the network has no synapses.
    """
    if not network.synapses:
        raise InvalidValue("connectivity.weights: the network has no synapses")
    pre, post = {s.pre for s in network.synapses}, {s.post for s in network.synapses}
    sizes = {name: p.size for name, p in network.populations.items()}
    return {n: s for n, s in sizes.items() if n in pre}, {
        n: s for n, s in sizes.items() if n in post
    }


def of_network(network: Network) -> Iterator[Entries]:
    """All synapses of a network, drawn a stretch at a time."""
    pre, post = senders_and_receivers(network)
    left = dict(zip(pre, np.cumsum([0, *pre.values()]), strict=False))
    top = dict(zip(post, np.cumsum([0, *post.values()]), strict=False))
    for synapse in network.synapses:
        size, count = pre[synapse.pre], max(network.synapse_count(synapse), 1)
        step = max(1, size * _STRETCH // count)
        for low in range(0, size, step):
            high = min(low + step, size)
            drawn = network.rows(synapse, low, high)
            columns = np.repeat(np.arange(low, high), np.diff(drawn.start))
            weights = np.broadcast_to(drawn.weight, drawn.post.shape).astype(np.float64)
            yield Entries(
                drawn.post.astype(np.int64) + top[synapse.post],
                columns + left[synapse.pre],
                weights,
            )
