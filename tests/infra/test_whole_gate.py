"""The benchmark of packages' bytes asks the gate's metrics, not AUC alone."""

import numpy as np
import pytest

from bench.data.zipf import zipf_rows
from bench.pruning.whole_gate import against_dense, judged_rows
from secateur.auc import Scores
from secateur.judgement.metrics.scored_rows import JudgedRows


@pytest.fixture(scope="module")
def rows() -> JudgedRows:
    return judged_rows(zipf_rows(200_000))


@pytest.fixture(scope="module")
def dense(rows: JudgedRows) -> Scores:
    drawn = np.random.default_rng(3)
    logits = 2 * (rows.labels - rows.labels.mean()) + drawn.normal(size=len(rows.labels))
    return (1 / (1 + np.exp(-logits))).astype(np.float32)


def test_rows_are_of_the_first_field_and_of_the_first_that_items_own(rows: JudgedRows) -> None:
    ids = zipf_rows(200_000).test.inputs.ids.numpy()
    assert (rows.users == ids[:, 0]).all()
    assert (rows.items == ids[:, 5]).all()


def test_a_copy_passes_and_a_package_that_keeps_auc_alone_does_not(
    rows: JudgedRows, dense: Scores
) -> None:
    assert against_dense(rows, dense, dense, 1).endswith(" | passes")
    too_sure = (1 / (1 + np.exp(-4 * np.log(dense / (1 - dense))))).astype(np.float32)
    log_loss, _, said = against_dense(rows, dense, too_sure, 1).split(" | ")
    assert log_loss.startswith("+")
    assert "log-loss" in said
    assert "AUC" not in said
