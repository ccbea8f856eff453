"""Command lines whose complaints are one line and leave with our exit code."""

import argparse
from typing import NoReturn

from secateur.contracts.errors import USAGE


class Parser(argparse.ArgumentParser):
    """An argparse parser that exits 64 where argparse would exit 2: asked wrongly, no retry."""

    def error(self, message: str) -> NoReturn:
        """Say what was asked wrongly, and exit."""
        self.exit(USAGE, f"{self.prog}: {message}; see --help\n")
