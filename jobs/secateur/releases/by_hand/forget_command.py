"""`secateur forget`: who holds a user, and that later nights do not."""

import argparse
import sys

from secateur.contracts.errors import Refused
from secateur.flags import Parser, user_name
from secateur.releases.by_hand.answers import is_told_as_json, say


def add_forget_flags(parser: Parser) -> None:
    """Whom to look for, where, and what to do."""
    parser.add_argument(
        "user", metavar="USER", help="as the log spells it; - reads it from standard input"
    )
    parser.add_argument(
        "--state", metavar="URI", help="the scenario's state: no later night holds the user"
    )
    parser.add_argument("--by", default=user_name(), help="who asks; default: the system's user")
    parser.add_argument(
        "--gone",
        action="store_true",
        help="exit 65 while a channel serves what holds the user, or a release cannot be believed",
    )


def run_forget(arguments: argparse.Namespace) -> None:
    """Say which releases and snapshots hold a user; with --state, keep later nights from it."""
    import tempfile
    from pathlib import Path

    from secateur.identity import id_key
    from secateur.releases.by_hand.forgetting import User, forget, search_user

    asked = arguments
    raw = sys.stdin.readline().rstrip("\r\n") if asked.user == "-" else asked.user
    user = User.of(raw, id_key())
    erasure, days = (None, 0) if asked.state is None else forget(asked.state, user, asked.by)
    with tempfile.TemporaryDirectory(prefix="secateur-forget-") as cache:
        found = search_user(asked.uri, user, Path(cache))
    answer = {
        "user": user.hashed,
        "looked_at": found.looked_at,
        "held": found.held,
        "erased": erasure,
        "kept_days_deleted": days,
    }
    if not is_told_as_json(asked, answer):
        holding = sum(one.told for one in found.held)
        say(f"user {user.hashed}: {holding} of {found.looked_at} releases hold them")
        for one in found.held:
            untold = f"cannot be told: {one.disbelieved or 'of another id key'}"
            what = ", ".join(one.where) if one.told else untold
            by = f", served by {', '.join(one.channels)}" if one.channels else ""
            say(f"{one.scenario} release {one.release}: {what}{by}")
        if erasure:
            say(f"erased at {erasure.at} by {erasure.actor}: no later night holds them")
    if asked.gone and found.in_service:
        raise Refused(
            f"{len(found.in_service)} releases hold the user and are served, or cannot be told"
        )
