"""Run suites of expectations and turn their results into one report."""

import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import great_expectations as gx
import great_expectations.expectations as gxe
import numpy as np
import pyarrow as pa
from great_expectations.core import ExpectationSuiteValidationResult, ExpectationValidationResult
from great_expectations.core.batch import Batch
from great_expectations.data_context import EphemeralDataContext
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.expectations.expectation import Expectation as Expected
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from pyspark.sql import DataFrame

from secateur.contracts.data import Expectation, ValidationReport

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger("secateur.validation")

# No example values: each would cost a Spark job an expectation, and they may be a user's.
_COUNTED = {"result_format": "BASIC", "partial_unexpected_count": 0}
_LISTED = {"result_format": "COMPLETE", "partial_unexpected_count": 0}
_QUOTED = re.compile(r"'[^']*'")
_NOT_A_RULE = {"batch_id", "column"}


@dataclass(frozen=True)
class Suite:
    """Expectations of one frame. `title` names the frame in report and pages.

    `key` is the column that names a row of a small frame, so that a failure can list the rows.
    """

    title: str
    frame: "DataFrame | pd.DataFrame"
    expectations: tuple[Expected, ...]
    key: str | None = None


def run_suites(suites: Sequence[Suite]) -> list[ExpectationSuiteValidationResult]:
    """Validate each frame by its suite, without a project, a store or the network."""
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    context = gx.get_context(mode="ephemeral", project_config=config)
    return [_validate(context, suite) for suite in suites]


def report(
    subject: str, rows: int, results: Iterable[ExpectationSuiteValidationResult]
) -> ValidationReport:
    """The receipt of these results on the artifact `subject`, which holds `rows` rows.

    Nothing examined is no success: neither zero rows nor zero expectations can pass.
    """
    found = tuple(
        Expectation(
            rule=_rule(one.expectation_config),
            column=one.expectation_config.kwargs.get("column"),
            success=bool(one.success),
            observed=_observation(one),
            suite=result.suite_name,
        )
        for result in results
        for one in result.results
    )
    success = bool(found) and rows > 0 and all(one.success for one in found)
    return ValidationReport(subject, success, rows, found)


def failures(found: ValidationReport, most: int = 5) -> str:
    """The first failing rules with what was observed, in words."""
    failed = [one for one in found.expectations if not one.success]
    lines = [
        f"{one.suite}: {one.column or 'table'} {one.rule}: found {one.observed}".removeprefix(": ")
        for one in failed[:most]
    ]
    total = f"{len(failed)} of {len(found.expectations)} expectations on {found.rows:,} rows failed"
    return "; ".join([total, *lines])


def _validate(context: EphemeralDataContext, suite: Suite) -> ExpectationSuiteValidationResult:
    expected = gx.ExpectationSuite(suite.title, expectations=list(suite.expectations))
    wanted = _LISTED | {"unexpected_index_column_names": [suite.key]} if suite.key else _COUNTED
    result = _batch(context, suite).validate(expected, result_format=wanted)
    result.suite_name = suite.title
    for one in result.results:
        _make_repeatable(one)
    outcome = "all hold" if result.success else "NOT all hold"
    log.info("%s: %d expectations, %s", suite.title, len(suite.expectations), outcome)
    return result


def _make_repeatable(result: ExpectationValidationResult) -> None:
    """Rid a result of what differs between runs, and of what the library's pages cannot spell.

    Which row raises first is chance, so the values that an exception quotes are left out; its
    stack names paths of this machine. On numpy 2's numbers the pages fail.
    """
    for info in _exceptions(result.exception_info):
        if info.get("raised_exception"):
            lines = (line.strip() for line in str(info["exception_message"]).splitlines())
            own_words = next((line for line in lines if line), "")  # below them: Spark's Java stack
            info["exception_message"] = _QUOTED.sub("'...'", own_words)
            info["exception_traceback"] = ""
    if "observed_value" in result.result:
        result.result["observed_value"] = _plain(result.result["observed_value"])


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever was observed
    """A number of numpy's as one of Python's, which is written as people do."""
    return value.item() if isinstance(value, np.generic) else value


def _batch(context: EphemeralDataContext, suite: Suite) -> Batch:
    if isinstance(suite.frame, DataFrame):
        # Persisting would copy every column into memory for suites that read each once.
        source = context.data_sources.add_spark(suite.title, persist=False)
        asset = source.add_dataframe_asset(suite.title)
    else:
        asset = context.data_sources.add_pandas(suite.title).add_dataframe_asset(suite.title)
    definition = asset.add_batch_definition_whole_dataframe(suite.title)
    return definition.get_batch({"dataframe": suite.frame})


def examination_suite(
    rows: int, results: Sequence[ExpectationSuiteValidationResult], min_rules: int
) -> Suite:
    """The suite about the examination itself: rows, rules, and no suite that ran none."""
    ran = [len(result.results) for result in results]
    frame = {"rows": [rows], "rules": [sum(ran)], "suites_without_a_rule": [ran.count(0)]}
    return Suite(
        "examination",
        pa.table(frame).to_pandas(),
        (
            gxe.ExpectColumnMinToBeBetween(column="rows", min_value=1),
            gxe.ExpectColumnMinToBeBetween(column="rules", min_value=max(min_rules, 1)),
            gxe.ExpectColumnMaxToBeBetween(column="suites_without_a_rule", max_value=0),
        ),
    )


def _rule(config: ExpectationConfiguration) -> str:
    """What was expected, in the words that were given to it or in the library's."""
    if config.description:
        return str(config.description)
    terms = {k: v for k, v in config.kwargs.items() if k not in _NOT_A_RULE and v is not None}
    return f"{config.type}({', '.join(f'{k}={v}' for k, v in sorted(terms.items()))})"


def _observation(result: ExpectationValidationResult) -> Any:  # noqa: ANN401 - as JSON has it
    raised = [info for info in _exceptions(result.exception_info) if info.get("raised_exception")]
    if raised:
        return raised[0]["exception_message"]
    found = result.to_json_dict()["result"]
    if "unexpected_index_list" in found:
        return [
            {name: _plain(value) for name, value in one.items()}
            for one in found["unexpected_index_list"] or []
        ]
    if "observed_value" in found and found["observed_value"] is not None:
        return found["observed_value"]
    return {key: value for key, value in found.items() if key.endswith("_count")}


def _exceptions(info: dict[str, Any]) -> list[dict[str, Any]]:
    """One exception, or several keyed by metric: the library knows both."""
    return [info] if "raised_exception" in info else list(info.values())
