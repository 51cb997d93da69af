"""Groups of units that hang together more than with others: Louvain and spectral clustering."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import InvalidValue, require


def louvain(weights: ArrayLike, *, resolution: float = 1.0, seed: int = 0) -> NDArray[np.int64]:
    """Group of each unit [N] that makes the modularity high; the number of groups is found.

    Groups are numbered by their first unit. Units without any link are groups of their own.

    Args:
        weights: symmetric, >= 0 [N, N]; the diagonal does not count.
        resolution: above 1 for smaller groups.
        seed: of the order in which units are tried.

    Raises:
        InvalidValue: not such a matrix, or a resolution that is not above 0.
        MissingExtra: networkx is not installed.

    Source: Blondel et al., J. Stat. Mech. P10008 (2008), as networkx implements it.
    """
    matrix = _checked("louvain", weights)
    if not resolution > 0:
        raise InvalidValue(f"louvain.resolution: got {resolution!r}, expected above 0")
    networkx = require("networkx", "data")
    graph = networkx.from_numpy_array(matrix)
    found = networkx.community.louvain_communities(graph, resolution=resolution, seed=seed)
    labels = np.empty(len(matrix), np.int64)
    for k, members in enumerate(sorted(found, key=min)):
        labels[sorted(members)] = k
    return labels


def spectral(weights: ArrayLike, groups: int, *, seed: int = 0) -> NDArray[np.int64]:
    """Group of each unit [N], for a given number of groups, by the normalised Laplacian.

    Groups are numbered by their first unit.

    Args:
        weights: symmetric, >= 0 [N, N]; the diagonal does not count. A weight of a millionth of
            the mean joins units that no path of links joins.
        groups: at least 1, at most N.
        seed: of the k-means at its end.

    Raises:
        InvalidValue: not such a matrix, nothing but zeros, or a bad number of groups.
        MissingExtra: scikit-learn is not installed.

    Source: von Luxburg, Statistics and Computing 17 (2007), as scikit-learn implements it.
    """
    matrix = _checked("spectral", weights)
    if groups != int(groups) or not 1 <= groups <= len(matrix):
        raise InvalidValue(f"spectral.groups: got {groups!r}, expected 1 to {len(matrix)}")
    if not matrix.any():
        raise InvalidValue("spectral.weights: all are 0, so there is nothing to group by")
    cluster = require("sklearn.cluster", "data")
    joined = matrix + 1e-6 * matrix.mean()
    method = cluster.SpectralClustering(groups, affinity="precomputed", random_state=seed)
    _, first, labels = np.unique(method.fit_predict(joined), return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[labels].astype(np.int64)


def _checked(where: str, weights: ArrayLike) -> NDArray[np.float64]:
    matrix = np.array(weights, np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not len(matrix):
        raise InvalidValue(f"{where}.weights: got shape {matrix.shape}, expected [N, N]")
    if not np.isfinite(matrix).all() or (matrix < 0).any():
        raise InvalidValue(f"{where}.weights: expected finite weights >= 0; take absolute values")
    if not np.allclose(matrix, matrix.T):
        raise InvalidValue(f"{where}.weights: not symmetric. Use (w + w.T) / 2")
    np.fill_diagonal(matrix, 0)
    return matrix
