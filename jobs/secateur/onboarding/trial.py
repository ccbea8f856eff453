"""A trial: the log drafted, its verbs run, and the dense model held beside its baselines."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from secateur.contracts.errors import ScenarioError, SecateurError, UsageError
from secateur.contracts.models import Baselines
from secateur.onboarding.made_up_days import DAYS, deal_into_days
from secateur.onboarding.verbs import Finished, run_chain
from secateur.report.night_artifacts import read_night
from secateur.report.trial_page import LogTrial, render_trial
from secateur.scenario.drafting.night_guesses import FEWEST_DAYS
from secateur.scenario.drafting.scenario_draft import LogDraft, draft_text, lie_alone, make_draft
from secateur.scenario.raw_log.files import LogFiles, find_log
from secateur.scenario.scenario_check import check_scenario

PAGE, SCENARIO, EVENTS = "index.html", "scenario.toml", "events"

Say = Callable[[str], None]


@dataclass
class TrialRun:
    """What is tried: the scenario's file in the folder `run`, and values set over its own."""

    title: str
    run: Path
    notes: list[str] = field(default_factory=list)
    settings: tuple[str, ...] = ()
    finished: list[Finished] = field(default_factory=list)

    @property
    def scenario(self) -> Path:
        """The TOML file that the verbs are given."""
        return self.run / SCENARIO


def draft_trial(path: Path, run: Path) -> TrialRun:
    """Draft the log that `path` is, or is a file of. Its rows are dealt into days where they must.

    Raises UsageError where the log cannot be read.
    """
    draft, notes = make_draft(path), []
    if draft.roles.time is None or draft.days < FEWEST_DAYS:
        notes.append(
            f"Days that the log tells: {draft.days}. Its rows were dealt in their order into "
            f"{DAYS} made-up days. That shows how well the label can be learned; a night needs "
            "the days themselves."
        )
        deal_into_days(draft, run / "log" / EVENTS)
        draft = make_draft(run / "log", is_timed=False)
    elif draft.log.layout == "flat" and path.is_file():
        draft = _alone(draft, run / "log")
    notes += [f"To decide: {decision}" for decision in draft.decide]
    trial = TrialRun(path.name, run, notes)
    trial.scenario.write_text(draft_text(draft))
    return trial


def given_trial(path: Path, run: Path, scenario: Path) -> TrialRun:
    """A log under a scenario that is there already. Raises UsageError where one cannot be read."""
    log = find_log(path)
    if log.layout == "flat" and path.is_file():
        log = _link_files(log, run / "log")
    where = {"uri": str(log.root), "events": log.events, "layout": log.layout}
    trial = TrialRun(path.name, run, settings=tuple(f'logs.{k}="{v}"' for k, v in where.items()))
    shutil.copyfile(scenario, trial.scenario)
    return trial


def run_trial(trial: TrialRun, settings: Sequence[str], say: Say) -> Baselines:
    """Check the scenario, run the verbs, write the page; gives what was measured.

    Raises ScenarioError where the scenario has a mistake, VerbFailed where a verb ends otherwise
    than sealed: the page then says so.
    """
    trial.settings += tuple(settings)
    _, mistakes = check_scenario(str(trial.scenario))
    if mistakes:
        raise ScenarioError("\n".join(mistakes))
    failure = ""
    try:
        for one in run_chain(trial.scenario, trial.run, trial.settings):
            trial.finished.append(one)
            say(f"  {one.verb:<18}{one.seconds:7.1f} s")
    except SecateurError as error:
        failure = str(error)
        raise
    finally:
        _write_page(trial, failure)
    found = read_night(trial.run.as_uri()).baselines
    if found is None:
        raise UsageError(f"{trial.run}: the dense model holds no baselines")
    return found.value


def _write_page(trial: TrialRun, failure: str) -> None:
    seconds = [(one.verb, one.seconds) for one in trial.finished]
    text = trial.scenario.read_text()
    page = LogTrial(trial.title, trial.notes, text, seconds, failure)
    html = render_trial(page, read_night(trial.run.as_uri()))
    (trial.run / PAGE).write_text(html, encoding="utf-8")


def _alone(draft: LogDraft, root: Path) -> LogDraft:
    """The draft of a log whose one file lies alone below `root`."""
    return lie_alone(draft, _link_files(draft.log, root))


def _link_files(log: LogFiles, root: Path) -> LogFiles:
    """The log's files linked below `root`, where no stranger lies."""
    folder = root / EVENTS
    folder.mkdir(parents=True)
    for file in log.files:
        (folder / file.name).symlink_to(file)
    return LogFiles(root, EVENTS, "flat", tuple(folder / file.name for file in log.files))
