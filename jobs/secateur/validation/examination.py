"""An artifact held against its checks: the receipt, the page for people, and the refusal."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from secateur.artifacts import Artifact
from secateur.contracts import record
from secateur.contracts.data import ValidationReport
from secateur.contracts.errors import ValidationRefused
from secateur.validation import docs, running
from secateur.validation.running import Check


@dataclass(frozen=True)
class Examination:
    """What was found, and the same as an HTML page."""

    report: ValidationReport
    page: str

    @property
    def facts(self) -> dict[str, object]:
        """What the manifest says of it."""
        return {
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


def examine(subject: Artifact, checks: Sequence[Check], rows: int) -> Examination:
    """Run the checks of `subject`, which holds `rows` rows."""
    results = running.run(checks)
    report = running.report(subject.digest, rows, results)
    title = f"{subject.manifest.kind} {subject.digest[:12]}"
    return Examination(report, docs.page(title, results))
