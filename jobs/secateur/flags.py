"""Command lines: one-line complaints with our exit code, and flags that verbs and shell share."""

import argparse
import getpass
import os
from typing import NoReturn

from secateur.contracts.errors import USAGE

# Of each flag of a verb, beside those that all have: its value, and what it is.
VERB_FLAGS = {
    "approval": ("JSON", "who let it out, when and why, where a person was asked"),
    "candidates": ("URI", "the folder of what prune_model sealed, a folder a recipe"),
    "checkpoints": ("URI", "where a killed run left off, and goes on from"),
    "dense": ("URI", "the sealed dense ModelBundle"),
    "dense-package": ("URI", "the dense model's sealed Package"),
    "events": ("URI", "the sealed EventSet"),
    "events-report": ("URI", "the sealed ValidationReport of the events"),
    "features": ("URI", "the sealed FeatureSet"),
    "form": ("JSON", "what the trigger form was filled with"),
    "logs": ("URI", "read the raw log here, and not where the scenario says"),
    "override": (
        "URI",
        "a JSON file or text: two approvals of a package that the gate refuses",
    ),
    "package": ("URI", "the sealed Package to measure"),
    "plan": ("URI", "the sealed CandidatePlan"),
    "recipe": ("NAME", "the plan's recipe, or dense"),
    "run": ("URI", "the folder of a night"),
    "run-type": ("NAME", "how Airflow names what started the run, such as scheduled"),
    "runs": ("URI", "the folder of a scenario's runs"),
    "scorecards": ("URI", "the folder of sealed Scorecards, a folder a recipe"),
    "snapshot": ("URI", "the sealed FeatureSnapshot"),
    "state": ("URI", "what nights leave for later ones; without it, all is done anew"),
    "store": ("URI", "where releases are published"),
    "target": ("NAME", "a target of the scenario's search"),
    "validation": ("URI", "the sealed ValidationReport of what is read"),
    "verdict": ("URI", "the sealed Verdict"),
    "webhook": ("URL", "where to post the alarm, as chats understand it"),
    "window": ("URI", "the sealed RunWindow: the days of the run, and what it goes by"),
}
GRACE_HOURS = 24.0  # what is younger may belong to a release in the making


class Parser(argparse.ArgumentParser):
    """An argparse parser that exits 64 where argparse would exit 2: asked wrongly, no retry."""

    def error(self, message: str) -> NoReturn:
        """Say what was asked wrongly, and exit."""
        self.exit(USAGE, f"{self.prog}: {message}; see --help\n")


def roll_back_flags(parser: argparse.ArgumentParser) -> None:
    """What to roll back to, and why."""
    parser.add_argument("--release", type=int, required=True, help="a release served before")
    moving_flags(parser)


def moving_flags(parser: argparse.ArgumentParser) -> None:
    """Which channel a person means, why, and who it is."""
    parser.add_argument("--reason", required=True, help="kept in the channel for those who ask")
    parser.add_argument("--channel", help="default: the scenario's, or latest from a shell")
    parser.add_argument("--by", default=user_name(), help="who asks; default: the system's user")


def hold_flags(parser: argparse.ArgumentParser) -> None:
    """Whether a channel is held where it is, pinned to a release, or let go, and why."""
    moving_flags(parser)
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--release", type=int, help="pin it to this one; default: what it serves")
    way.add_argument("--resume", action="store_true", help="let nights move it again")


def user_name() -> str:
    """Who runs this process, as the system knows them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return f"user {os.getuid()}"


def sweep_flags(parser: argparse.ArgumentParser) -> None:
    """What stays, and whether the rest goes."""
    parser.add_argument("--keep", type=int, required=True, help="how many of the newest releases")
    grace = f"what is younger stays; default: {GRACE_HOURS:g}"
    parser.add_argument("--grace-hours", type=float, default=GRACE_HOURS, help=grace)
    parser.add_argument("--delete", action="store_true", help="else it only says what would go")


def night_sweep_flags(parser: argparse.ArgumentParser) -> None:
    """What of old nights stays, and whether the rest goes."""
    parser.add_argument("--keep", type=int, required=True, help="how many of the newest runs")
    parser.add_argument("--keep-days", type=float, required=True, help="what is younger stays")
    parser.add_argument("--delete", action="store_true", help="else it only says what would go")
