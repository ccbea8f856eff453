import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from secateur.onnx_graph.weight_sharing import share_weights

layers = hnp.arrays(
    np.int8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=6), elements=st.integers(-63, 63)
)


def error(weights: np.ndarray, found: np.ndarray) -> float:
    return float(np.square(weights.astype(float) - found).sum())


@settings(deadline=None)
@given(layers, st.integers(1, 4))
def test_no_other_clusters_are_nearer(weights: np.ndarray, values: int) -> None:
    found = share_weights(weights, values)
    assert len(np.unique(found)) <= values
    assert found.dtype == np.int8
    distinct = np.unique(weights)
    least = np.inf
    for cuts in itertools.combinations(range(1, len(distinct)), min(values, len(distinct)) - 1):
        groups = np.split(distinct, cuts)
        means = [weights[np.isin(weights, group)].mean() for group in groups]
        spread = [
            np.square(weights[np.isin(weights, g)] - m).sum()
            for g, m in zip(groups, means, strict=True)
        ]
        least = min(least, float(sum(spread)))
    # Means are rounded to whole numbers, at most half a unit away.
    assert error(weights, found) <= least + weights.size * 0.25 + 1e-9


def test_few_values_stay_as_they_are() -> None:
    weights = np.array([[-63, 5], [5, 0]], np.int8)
    assert np.array_equal(share_weights(weights, 3), weights)
    assert share_weights(np.zeros((0, 4), np.int8), 2).shape == (0, 4)


def test_sixteen_values_of_a_normal_layer_are_near() -> None:
    weights = np.clip(np.rint(np.random.default_rng(0).normal(0, 18, (400, 100))), -63, 63)
    found = share_weights(weights.astype(np.int8), 16)
    # Max (1960): 16 levels leave 0.01154 of a normal distribution's variance.
    assert error(weights, found) / np.square(weights).sum() < 0.0130
