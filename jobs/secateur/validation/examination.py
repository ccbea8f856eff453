"""An artifact held against its checks: the receipt, the page for people, and the refusal."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from secateur.artifacts import Artifact
from secateur.contracts import record
from secateur.contracts.data import ValidationReport
from secateur.contracts.errors import ValidationRefused
from secateur.validation import docs, running
from secateur.validation.drift.comparison import NOT_WATCHED, Comparison
from secateur.validation.running import Check


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

    def write(self, folder: Path) -> None:
        """Write `report.json` and `docs/index.html`."""
        (folder / "report.json").write_bytes(record.dump(self.report))
        (folder / "docs").mkdir()
        (folder / "docs" / "index.html").write_text(self.page)

    def demand_success(self, where: str) -> None:
        """Refuse what failed. Raises ValidationRefused naming the first rules and the evidence."""
        if not self.report.success:
            raise ValidationRefused(f"{running.failures(self.report)}; see {where}/docs/index.html")


def examine(
    subject: Artifact,
    checks: Sequence[Check],
    rows: int,
    min_rules: int,
    drift: Comparison = NOT_WATCHED,
) -> Examination:
    """Run the checks of `subject`, which holds `rows` rows, and those of its drift."""
    results = running.run([*checks, *drift.checks()])
    results += running.run([running.examined(rows, results, min_rules)])
    found = running.report(subject.digest, rows, results)
    report = replace(found, drift=drift.columns, bootstrap=drift.bootstrap)
    title = f"{subject.manifest.kind} {subject.digest[:12]}"
    return Examination(report, docs.page(title, report, results))
