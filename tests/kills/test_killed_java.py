"""Kill -9 of Spark's Java below each verb that needs it: one line that says so, then a repeat."""

from pathlib import Path

import pytest

from kills.killed_process import after, first_file_below, kill_java_at
from kills.night_of_verbs import Night, verbs_environment
from kills.night_steps import Step, steps_of
from secateur.command import JAVA_GONE

pytestmark = pytest.mark.proof

OF_SPARK = ("clean_events", "validate_events", "build_features", "build_snapshot")
STEPS = [step for step in steps_of("hybrid_small") if step.verb in (*OF_SPARK, "check_run")]
PARTS = (0.4, 0.7)


def test_a_verb_whose_java_is_killed_says_so_and_seals_the_same_when_run_again(
    tmp_path: Path,
) -> None:
    environment = verbs_environment()
    whole, killed = (Night(tmp_path / name, environment) for name in ("whole", "killed"))
    for step in STEPS:
        seconds = whole.run(step)
        if step.verb in OF_SPARK:
            said = [line for line in lines_of_killed(killed, step, seconds) if line is not None]
            assert said, step.verb
            assert all(JAVA_GONE in line for line in said), said
        killed.run(step)
        assert killed.digest(step.output) == whole.digest(step.output), step.verb


def lines_of_killed(night: Night, step: Step, seconds: float) -> list[str | None]:
    """The last lines of tries whose Java was killed; None where the verb was quicker."""
    moments = [
        *(after(part * seconds) for part in PARTS),
        first_file_below(night.folder / step.output),
    ]
    command = step.command(night.scenario, night.folder)
    return [kill_java_at(command, night.environment, moment) for moment in moments]
