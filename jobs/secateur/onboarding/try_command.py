"""`secateur try`, asked from a shell."""

import sys
from collections.abc import Sequence
from pathlib import Path

from secateur.contracts.errors import UsageError
from secateur.contracts.models import Baselines
from secateur.flags import Parser
from secateur.onboarding.trial import PAGE, draft_trial, given_trial, run_trial

_DESCRIPTION = """From a raw log to a dense model beside its baselines, in one command.

The log is drafted, or read as --scenario says; then the night's verbs run on it up to the dense
model, each a process of its own. Everything lies in the folder --output: the scenario, what the
verbs sealed and said, and a page, index.html. The same log gives the same figures.
"""


def run_try_command(argv: Sequence[str]) -> None:
    """Run a trial and print what it found.

    Raises UsageError or ScenarioError where it cannot be begun, VerbFailed where a verb ended it.
    """
    asked = _parser().parse_args(argv)
    run = (asked.output or Path(f"{_name(asked.log)}_trial")).absolute()
    if run.exists() and any(run.iterdir()):
        raise UsageError(f"{run} is there already: say another --output")
    run.mkdir(parents=True, exist_ok=True)
    given = asked.scenario
    trial = given_trial(asked.log, run, given) if given else draft_trial(asked.log, run)
    for note in trial.notes:
        _say(note)
    _say(f"scenario  {trial.scenario}")
    try:
        found = run_trial(trial, asked.set, _say)
    finally:
        _say(f"page      {run / PAGE}")
    for line in table_of(found):
        _say(line)


def table_of(found: Baselines) -> list[str]:
    """The dense model and its baselines as lines of text, and what that means."""
    dense = "-" if found.dense_auc is None else f"{found.dense_auc:.4f}"
    rows = [("dense", dense), *((one.name, f"{one.auc:.4f}") for one in found.baselines)]
    head = f"{'AUC on the tune days':<24}{found.rows:>9,} rows, {found.positives:,} positive"
    sentence = found.sentence[:1].upper() + found.sentence[1:]
    return [head, *(f"  {name:<22}{area:>9}" for name, area in rows), sentence]


def _name(log: Path) -> str:
    return log.absolute().name.partition(".")[0] or "log"


def _parser() -> Parser:
    parser = Parser(prog="secateur try", description=_DESCRIPTION)
    parser.add_argument("log", metavar="LOG", type=Path, help="a file, or the folder of a log")
    parser.add_argument("--scenario", type=Path, metavar="FILE", help="default: one is drafted")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="default: <LOG>_trial, here")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="override a scenario's key"
    )
    return parser


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
