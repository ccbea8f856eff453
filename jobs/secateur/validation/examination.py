"""An artifact held against its suites: the receipt, the page for people, and the refusal."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from secateur.artifacts import Artifact
from secateur.contracts import artifact_files, record
from secateur.contracts.artifact_files import REPORT
from secateur.contracts.data import ValidationReport
from secateur.contracts.errors import ValidationRefused
from secateur.validation import data_docs, suite_runner
from secateur.validation.drift.comparison import NOT_WATCHED, Comparison
from secateur.validation.suite_runner import Suite

log = logging.getLogger("secateur.validation")


@dataclass(frozen=True)
class Examination:
    """What was found, and the same as an HTML page."""

    report: ValidationReport
    page: str

    @property
    def facts(self) -> dict[str, object]:
        """What the manifest says of it."""
        drift = self.report.drift
        return {
            "bootstrap": bool(self.report.bootstrap),
            "drift_compared": sum(not one.not_compared for one in drift),
            "drift_not_compared": sum(bool(one.not_compared) for one in drift),
            "subject": self.report.subject,
            "success": self.report.success,
            "rows": self.report.rows,
            "expectations": len(self.report.expectations),
        }

    def with_risks(self, risks: tuple[str, ...]) -> "Examination":
        """The same with what no rule forbids and a reader should know."""
        for risk in risks:
            log.warning("risk: %s", risk)
        return replace(self, report=replace(self.report, risks=risks))

    def write(self, folder: Path) -> None:
        """Write `report.json` and `docs/index.html`."""
        (folder / REPORT).write_bytes(record.dump(self.report))
        (folder / "docs").mkdir()
        (folder / "docs" / artifact_files.PAGE).write_text(self.page)

    def demand_success(self, where: str) -> None:
        """Refuse what failed. Raises ValidationRefused naming the first rules and the evidence."""
        if not self.report.success:
            broken = suite_runner.failures(self.report)
            raise ValidationRefused(f"{broken}; see {where}/docs/index.html")


def examine(
    subject: Artifact,
    suites: Sequence[Suite],
    rows: int,
    min_rules: int,
    drift: Comparison = NOT_WATCHED,
) -> Examination:
    """Run the suites of `subject`, which holds `rows` rows, and those of its drift."""
    results = suite_runner.run_suites([*suites, *drift.suites()])
    results += suite_runner.run_suites([suite_runner.examination_suite(rows, results, min_rules)])
    found = suite_runner.report(subject.digest, rows, results)
    report = replace(found, drift=drift.columns, bootstrap=drift.bootstrap)
    title = f"{subject.manifest.kind} {subject.digest[:12]}"
    return Examination(report, data_docs.page(title, report, results))
