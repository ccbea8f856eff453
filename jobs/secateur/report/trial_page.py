"""One self-contained page of a trial: what was guessed of a log, and how well it was learned."""

from collections.abc import Sequence
from dataclasses import dataclass

from secateur.report.charts import charts
from secateur.report.night_artifacts import Night
from secateur.report.page import page_environment, reports


@dataclass(frozen=True)
class LogTrial:
    """What a trial was of, besides what its verbs sealed.

    `notes` are what a person should know or decide, `scenario` the TOML that was run, `seconds`
    the verbs' by name in their order; `failure` says why it ended early.
    """

    title: str
    notes: Sequence[str]
    scenario: str
    seconds: Sequence[tuple[str, float]]
    failure: str = ""


def render_trial(trial: LogTrial, night: Night) -> str:
    """The page's HTML."""
    return (
        page_environment()
        .get_template("trial.html.j2")
        .render(
            trial=trial,
            night=night,
            training=charts.training_curves(night),
            data=charts.event_counts(night),
            reports=reports(night),
            rows=[],
            slices=[],
            tests={},
            sources=sorted(night.artifacts.items()),
        )
    )
