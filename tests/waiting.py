"""Waiting for what another process does."""

import contextlib
import json
import time
from pathlib import Path

from secateur.model.training.checkpoints import CHECKPOINT


def wait_for_step(kept: Path, step: int) -> None:
    """Until a checkpoint of that step or a later one is whole."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with contextlib.suppress(FileNotFoundError):
            if json.loads((kept / CHECKPOINT).read_text())["position"]["step"] >= step:
                return
        time.sleep(0.002)
    raise TimeoutError(f"no checkpoint of step {step} at {kept}")
