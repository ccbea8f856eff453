"""What a command of `secateur` answers: lines for people, or one JSON document with `--json`."""

import argparse
import json
import sys

from secateur.contracts import record


def say(line: str) -> None:
    """One line for people."""
    sys.stdout.write(f"{line}\n")


def is_told_as_json(arguments: argparse.Namespace, answer: object) -> bool:
    """Print the answer as JSON where `--json` asks for it; False where people want lines."""
    if not arguments.json:
        return False
    say(json.dumps(record.plain(answer), indent=2, ensure_ascii=False))
    return True
