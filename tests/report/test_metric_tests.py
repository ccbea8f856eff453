"""Claims about the pictures of tests: every test has one, and the margin lies on the worse side."""

import re
from dataclasses import replace

import pytest

from secateur.contracts.judgement import Interval, MetricTest, Verdict
from secateur.report.metric_tests import CellOfTests, tables_of_tests
from secateur.report.model_rows import ModelRow


def metric_test(metric: str, split: str = "tune", against: str = "dense") -> MetricTest:
    delta = Interval(0.001, -0.002, 0.004, 0.95)
    return MetricTest(metric, split, "passed", 0.01, "words", delta, against=against)


def row(name: str, *tests: MetricTest) -> ModelRow:
    return ModelRow(name, "passed", (), None, None, "", tests=tests)


def cell(metric: str) -> CellOfTests:
    (found,) = tables_of_tests([row("a", metric_test(metric))], None)["whole"].rows[0].cells
    assert found
    return found


@pytest.mark.parametrize(("metric", "worse"), [("auc", -1), ("log_loss", 1), ("calibration", 1)])
def test_the_margin_is_drawn_on_the_side_that_is_worse(metric: str, worse: int) -> None:
    at = {css: float(x) for x, css in re.findall(r'x1="([\d.]+)"[^>]*class="(zero|gate)"',
                                                 cell(metric).picture)}  # fmt: skip
    assert (at["gate"] - at["zero"]) * worse > 0


def test_a_column_is_a_metric_a_slice_or_what_is_served_and_gaps_stay_gaps() -> None:
    full = row("a", metric_test("auc"), metric_test("auc", "tune/new users"),
               metric_test("auc", against="release 7"), metric_test("gauc"))  # fmt: skip
    tables = tables_of_tests([full, row("b", metric_test("gauc")), row("c")], None)
    assert [one.label for one in tables["whole"].columns] == [
        "AUC",
        "AUC against release 7",
        "GAUC",
    ]
    assert [one.label for one in tables["slices"].columns] == ["new users"]
    of_b = tables["whole"].rows[1]
    assert (of_b.name, [bool(one) for one in of_b.cells]) == ("b", [False, False, True])
    assert [one.name for one in tables["whole"].rows] == ["a", "b"]


def test_the_chosen_one_has_a_row_of_the_confirm_days_and_what_is_missing_no_picture() -> None:
    missing = replace(metric_test("auc", "confirm"), outcome="missing", delta=None)
    verdict = Verdict(False, "", "a", None, None, None, 0.01, None, None, (), (missing,))
    rows = tables_of_tests([row("a", metric_test("gauc"))], verdict)["whole"].rows
    assert rows[1].name == "a, confirm days"
    assert rows[1].outcome == "unconfirmed"
    (of_gauc, of_auc) = rows[1].cells
    assert of_gauc is None
    assert of_auc is not None
    assert of_auc.picture == ""
