"""Verbs as processes of their own, as a night runs them, for benches that need what they seal."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from run import KEY
from secateur.contracts.manifest import MANIFEST

JOBS = Path(__file__).parents[2] / "jobs"


def seal(
    verb: str, folder: Path, output: str, inputs: Mapping[str, str], settings: Sequence[str]
) -> None:
    """Run a verb of the short video scenario, where its `output` in `folder` is not sealed yet.

    `inputs` are by flag the names of what lies in `folder`; `settings` are what is set.
    """
    if (folder / output / MANIFEST).exists():
        return
    flags = [f"--{flag}={folder / place}" for flag, place in inputs.items()]
    flags += [f"--set={setting}" for setting in settings]
    command = [sys.executable, str(JOBS / f"{verb}.py"), "--scenario=short_video", *flags]
    command.append(f"--output={folder / output}")
    subprocess.run(command, check=True, env={**os.environ, **KEY})
