"""Command lines: one-line complaints with our exit code, and flags that verbs and shell share."""

import argparse
from typing import NoReturn

from secateur.contracts.errors import USAGE

GRACE_HOURS = 24.0  # what is younger may belong to a release in the making


class Parser(argparse.ArgumentParser):
    """An argparse parser that exits 64 where argparse would exit 2: asked wrongly, no retry."""

    def error(self, message: str) -> NoReturn:
        """Say what was asked wrongly, and exit."""
        self.exit(USAGE, f"{self.prog}: {message}; see --help\n")


def roll_back_flags(parser: argparse.ArgumentParser) -> None:
    """What to roll back to, and why."""
    parser.add_argument("--release", type=int, required=True, help="a release served before")
    parser.add_argument("--reason", required=True, help="kept in the channel for those who ask")
    parser.add_argument("--channel", help="default: the scenario's, or latest from a shell")


def sweep_flags(parser: argparse.ArgumentParser) -> None:
    """What stays, and whether the rest goes."""
    parser.add_argument("--keep", type=int, required=True, help="how many of the newest releases")
    grace = f"what is younger stays; default: {GRACE_HOURS:g}"
    parser.add_argument("--grace-hours", type=float, default=GRACE_HOURS, help=grace)
    parser.add_argument("--delete", action="store_true", help="else it only says what would go")
