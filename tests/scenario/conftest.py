"""The small scenario of `small_scenario.py`, in a folder of each test's own."""

from functools import partial
from pathlib import Path

import pytest

from small_scenario import Write, spoil


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write the scenario with some of its text replaced."""
    return partial(spoil, tmp_path)
