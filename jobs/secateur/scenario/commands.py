"""`secateur scenario check`, `draft` and `reference`, asked from a shell."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from secateur.contracts.errors import ScenarioError, UsageError
from secateur.flags import Parser
from secateur.scenario import scenario_check
from secateur.scenario.drafting import scenario_draft
from secateur.scenario.explaining.reference import reference_page


def run_command(argv: Sequence[str]) -> None:
    """Run one of them. Raises ScenarioError where a scenario has a mistake, or UsageError."""
    arguments = _parser().parse_args(argv)
    arguments.run(arguments)


def run_check(arguments: argparse.Namespace) -> None:
    """Explain every mistake in a scenario file: its line, its key, and what may stand there.

    With --logs all rows of the log are tried: times, labels, lists and numbers are counted.
    """
    scenario, mistakes = scenario_check.check_scenario(arguments.file, arguments.logs, _say)
    for line in mistakes:
        _say(line)
    if scenario is None:
        many = "mistake" if len(mistakes) == 1 else "mistakes"
        raise ScenarioError(f"{arguments.file}: {len(mistakes)} {many}")
    _say(scenario_check.summary(scenario))


def run_draft(arguments: argparse.Namespace) -> None:
    """Guess a scenario from a log; how sure each guess is, and why, is a comment."""
    text = scenario_draft.draft_scenario(arguments.log)
    if arguments.output is None:
        sys.stdout.write(text)
        return
    try:
        with arguments.output.open("x") as file:
            file.write(text)
    except FileExistsError as error:
        raise UsageError(f"{arguments.output} exists; a draft replaces no file") from error


def run_reference(arguments: argparse.Namespace) -> None:
    """List every key of a scenario with its values, default and meaning, as Markdown."""
    page = reference_page()
    if arguments.output is None:
        sys.stdout.write(page)
    else:
        arguments.output.write_text(page, encoding="utf-8")


def _parser() -> Parser:
    root = Parser(prog="secateur scenario", description=__doc__)
    commands = root.add_subparsers(required=True, metavar="check|draft|reference")
    checks: Parser = commands.add_parser(
        "check", help=run_check.__doc__, description=run_check.__doc__
    )
    checks.add_argument("file", metavar="FILE", help="a TOML file, or a name in jobs/scenarios")
    where = "hold it against a log, too: this file, folder or URI, or else the scenario's own"
    checks.add_argument("--logs", metavar="LOG", nargs="?", const="", help=where)
    checks.set_defaults(run=run_check)
    drafts: Parser = commands.add_parser(
        "draft", help=run_draft.__doc__, description=run_draft.__doc__
    )
    drafts.add_argument("log", metavar="LOG", type=Path, help="its folder, or a file of it")
    drafts.add_argument("--output", type=Path, help="a new file; default: standard output")
    drafts.set_defaults(run=run_draft)
    pages: Parser = commands.add_parser(
        "reference", help=run_reference.__doc__, description=run_reference.__doc__
    )
    pages.add_argument("--output", type=Path, help="default: standard output")
    pages.set_defaults(run=run_reference)
    return root


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
