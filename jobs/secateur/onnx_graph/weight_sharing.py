"""Weight sharing (Han et al., ICLR 2016, "Deep Compression"): a layer's weights take few values.

Its integers become the means of their clusters. In one dimension the best clusters are intervals,
so that dynamic programming over the integers finds those with the least squared error (Wang & Song,
The R Journal 2011), and nothing depends on a seed. The layer is computed with as before; what
shrinks is the file, in which its few values are compressed.
"""

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.int8]


def share_weights(weights: Weights, values: int) -> Weights:
    """Weights int8 [inputs, outputs] with at most so many different values, whole numbers too."""
    first = int(weights.min(initial=0))
    counts = np.bincount(weights.ravel().astype(np.int64) - first)
    if np.count_nonzero(counts) <= values:
        return weights
    means = np.zeros(len(counts), np.int8)
    for start, end in _intervals(counts.astype(np.float64), values):
        places = np.arange(start, end)
        weight = counts[start:end]
        means[start:end] = np.rint((places * weight).sum() / max(1, weight.sum())) + first
    return means[weights.astype(np.int64) - first]


def _intervals(counts: NDArray[np.float64], clusters: int) -> list[tuple[int, int]]:
    """The `clusters` intervals of 0..n-1, for `counts` [n], with the least squared error."""
    places = np.arange(len(counts), dtype=np.float64)
    sums = [np.append(0, np.cumsum(counts * places**power)) for power in (0, 1, 2)]
    n, total, squares = (one[None, :] - one[:, None] for one in sums)  # [start, end]
    error = squares - np.square(total) / np.where(n > 0, n, 1)
    error[np.tril_indices(len(error), -1)] = np.inf
    best, cuts = error[0], []
    for _ in range(clusters - 1):
        with_one_more = best[:, None] + error
        cuts.append(with_one_more.argmin(axis=0))
        best = with_one_more.min(axis=0)
    bounds = [len(counts)]
    for cut in reversed(cuts):
        bounds.append(int(cut[bounds[-1]]))
    return list(zip([0, *bounds[::-1]], bounds[::-1], strict=False))
