"""A person's word that a release may go out, as whoever asked hands it on."""

from secateur.contracts import record
from secateur.contracts.errors import ArtifactError, UsageError
from secateur.contracts.releases import Approval


def read_approval(text: str | None, hours: float | None) -> Approval | None:
    """The approval in JSON, None where there is none.

    Raises UsageError where it is absent though people are asked, for `hours`, or names nobody.
    """
    if not text:
        if hours is not None:
            raise UsageError(
                "the scenario publishes what a person approved (release.approval_hours): "
                'needs --approval \'{"by": "ada", "at": "2026-05-09T04:00:00+00:00"}\''
            )
        return None
    try:
        approval = record.from_json(Approval, text)
    except ArtifactError as error:
        raise UsageError(f"--approval: {error}") from error
    if not approval.by.strip():
        raise UsageError("--approval names nobody")
    return approval
