"""A report speaks of one artifact, fails where a rule is broken, and cannot pass on nothing."""

import re
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from great_expectations import expectations as gxe
from pyspark.sql import SparkSession

from secateur.artifacts import Artifact, create
from secateur.contracts import record
from secateur.contracts.data import Expectation, ValidationReport
from secateur.contracts.errors import ValidationRefused
from secateur.contracts.features import FeatureSchema
from secateur.contracts.manifest import MadeBy
from secateur.validation import suite_runner
from small_log import DAYS, SmallLog, sealed, small_log


@pytest.fixture(scope="module")
def log(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> SmallLog:
    """A small log with its events, report and features."""
    log = small_log(tmp_path_factory.mktemp("validated")).write()
    log.run("clean_events", output=log.folder / "clean")
    log.run("validate_events", events=log.folder / "clean", output=log.folder / "report")
    flags = {"events": log.folder / "clean", "validation": log.folder / "report"}
    log.run("build_features", **flags, output=log.folder / "features")
    return log


def report_of(artifact: Artifact) -> ValidationReport:
    return artifact.read("report.json", ValidationReport)


def failed(report: ValidationReport) -> set[str]:
    return {f"{e.column} {e.rule.split('(')[0]}" for e in report.expectations if not e.success}


def validated(log: SmallLog, *settings: str, output: Path) -> ValidationReport:
    """Validate the events; the report, whether it was refused or not."""
    try:
        log.run("validate_events", *settings, events=log.folder / "clean", output=output)
    except ValidationRefused as refusal:
        assert str(output) in str(refusal)
    return report_of(sealed(str(output)))


def test_good_events_pass_with_what_was_observed(log: SmallLog) -> None:
    report = report_of(sealed(str(log.folder / "report")))
    events = sealed(str(log.folder / "clean"))
    assert report.success
    assert report.subject == events.digest
    assert report.rows == events.manifest.facts["kept"] == 240
    files = sorted(events.folder.glob("events/*/*.parquet"))
    labels = pa.concat_tables([pq.read_table(f, partitioning=None) for f in files])["label"]
    by_rule = {e.rule.split("(")[0]: e.observed for e in report.expectations}
    assert by_rule["expect_column_mean_to_be_between"] == pytest.approx(pc.mean(labels).as_py())
    assert by_rule["expect_table_row_count_to_be_between"] == 240


ITEM, GONE = '{name = "item", owner = "item"}', '{name = "gone", owner = "user"}'
BROKEN = {
    "validation.min_rows=241": "None expect_table_row_count_to_be_between",
    "validation.min_rows_a_day=41": "rows expect_column_values_to_be_between",
    "validation.label_rate=[0.0, 0.1]": "label expect_column_mean_to_be_between",
    f"features.fields=[{ITEM}, {GONE}]": "gone expect_column_to_exist",
}


def test_every_broken_rule_is_refused_with_the_report_sealed(log: SmallLog, tmp_path: Path) -> None:
    report = validated(log, *BROKEN, output=tmp_path / "report")
    assert not report.success
    assert failed(report) == set(BROKEN.values())


def test_a_day_without_a_usable_row_and_a_short_one_are_named(tmp_path: Path) -> None:
    holed = small_log(tmp_path / "holed")
    holed.days[DAYS[1]] = holed.days[DAYS[1]][:4]
    holed.days[DAYS[2]] = [row.replace("raw-user-", " ,") for row in holed.days[DAYS[2]]]
    holed.write().run("clean_events", output=holed.folder / "clean")
    with pytest.raises(ValidationRefused, match=rf"'rows': 4, 'day': '{DAYS[1]}'"):
        holed.run("validate_events", events=holed.folder / "clean", output=tmp_path / "report")
    report = report_of(sealed(str(tmp_path / "report")))
    assert failed(report) == {"rows expect_column_values_to_be_between"}
    (observed,) = [one.observed for one in report.expectations if not one.success]
    assert observed == [{"rows": 4, "day": DAYS[1]}, {"rows": 0, "day": DAYS[2]}]


Change = tuple[str, str, object]


def tampered(features: Artifact, uri: Path, changes: list[Change]) -> None:
    """Seal a copy of a FeatureSet with the first row of a split's column changed."""
    with create(str(uri), "FeatureSet") as draft:
        shutil.copytree(features.folder, draft.folder, dirs_exist_ok=True)
        for split, column, value in changes:
            part = draft.folder / split / "part-00000.parquet"
            table = pq.read_table(part)
            values = [value, *table[column].to_pylist()[1:]]
            changed = pa.array(values, table.schema.field(column).type)
            pq.write_table(
                table.set_column(table.column_names.index(column), column, changed), part
            )
        draft.seal(MadeBy("tampered", "0"), {}, features.manifest.facts)


def test_features_pass_as_built(log: SmallLog, tmp_path: Path) -> None:
    features = log.folder / "features"
    report = report_of(log.run("validate_features", features=features, output=tmp_path / "report"))
    assert report.success
    assert report.subject == sealed(str(features)).digest
    assert report.rows == 240


def test_every_tampering_with_features_is_found(log: SmallLog, tmp_path: Path) -> None:
    features = sealed(str(log.folder / "features"))
    fields = {f.name: f for f in features.read("schema.json", FeatureSchema).fields}
    changes: list[Change] = [
        ("train", "item", fields["item"].size),
        ("tune", "author", -1),
        ("confirm", "tab", None),
        ("train", "label", 2),
        ("train", "time_ms", 4102444800000),
        ("tune", "uid", fields["uid"].oov),
    ]
    tampered(features, tmp_path / "tampered", changes)
    flags = {"features": tmp_path / "tampered", "output": tmp_path / "report"}
    with pytest.raises(ValidationRefused, match=r"6 of \d+ expectations on 240 rows failed"):
        log.run("validate_features", "validation.max_oov_rate={uid = 0.0}", **flags)
    assert failed(report_of(sealed(str(tmp_path / "report")))) == {
        "item expect_column_values_to_be_between",
        "author expect_column_values_to_be_between",
        "tab expect_column_values_to_not_be_null",
        "label expect_column_values_to_be_in_set",
        "None expect_column_pair_values_a_to_be_greater_than_b",
        "uid expect_column_values_to_be_between",
    }


def test_nothing_examined_is_no_success() -> None:
    assert not suite_runner.report("digest", 100, []).success
    assert not suite_runner.report("digest", 0, []).success


def test_a_failure_says_how_many_and_which() -> None:
    bad = Expectation("expect_x(a=1)", "tab", success=False, observed=3)
    good = Expectation("expect_y()", None, success=True, observed=None)
    found = suite_runner.failures(ValidationReport("digest", False, 1234, (good, bad)))
    assert found == "1 of 2 expectations on 1,234 rows failed; tab expect_x(a=1): found 3"


def test_numbers_of_a_failure_are_written_as_people_do() -> None:
    frame = pa.table({"input": ["uid", "item"], "auc": [1.0, 0.5]}).to_pandas()
    at_most = gxe.ExpectColumnValuesToBeBetween(column="auc", max_value=0.95)
    results = suite_runner.run_suites([suite_runner.Suite("each", frame, (at_most,), key="input")])
    found = suite_runner.failures(suite_runner.report("digest", 2, results))
    assert found.endswith("found [{'auc': 1.0, 'input': 'uid'}]")


def test_the_pages_need_no_network_and_a_second_run_gives_the_same_report(
    log: SmallLog, tmp_path: Path
) -> None:
    again = log.run("validate_events", events=log.folder / "clean", output=tmp_path / "report")
    first = sealed(str(log.folder / "report"))
    assert record.digest(list(again.manifest.files)) == record.digest(list(first.manifest.files))
    page = (again.folder / "docs" / "index.html").read_text()
    assert "label" in page
    assert not re.findall(r"(?:src|href)\s*=\s*\"?(?!#)[^\s>]+|@import|url\(", page)
    assert "raw-user" not in page
