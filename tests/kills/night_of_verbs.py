"""A small night that is run verb by verb, without Airflow, in a folder of its own."""

import os
from pathlib import Path

from kills.killed_process import Moment, kill_at, run_to_its_end
from kills.night_steps import PROJECT, Step
from secateur import artifacts
from secateur.releases.signing import SIGNING_KEY, VERIFY_KEY, Signer, new_seed
from small_night import write_small_night


class Night:
    """A night of its own folder, store and state."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        folder.mkdir()
        (folder / "state").mkdir()
        self.folder, self.environment = folder, environment
        self.scenario = write_small_night(folder / "scenario", "kills") / "kills.toml"

    def run(self, step: Step) -> float:
        """Run a step to its end; gives its seconds."""
        return run_to_its_end(step.command(self.scenario, self.folder), self.environment)

    def kill(self, step: Step, moment: Moment) -> bool:
        """Kill a step at a moment; False where it was quicker."""
        return kill_at(step.command(self.scenario, self.folder), self.environment, moment)

    def digest(self, place: str) -> str | None:
        """The digest of what is sealed at a place below; None where nothing is."""
        uri = str(self.folder / place)
        return artifacts.read_manifest(uri).digest if artifacts.is_sealed(uri) else None

    def state(self) -> dict[str, str]:
        """What later nights find: the digests of what is sealed in the state."""
        state = self.folder / "state"
        sealed = (path.parent.relative_to(state) for path in state.rglob("manifest.json"))
        return {str(place): str(self.digest(f"state/{place}")) for place in sorted(sealed)}


def verbs_environment() -> dict[str, str]:
    """What verbs are started with: new keys to sign and verify by, a small Spark."""
    seed = new_seed()
    return {
        **os.environ,
        SIGNING_KEY: seed,
        VERIFY_KEY: Signer.of(seed).public,
        "PYTHONPATH": str(PROJECT / "jobs"),
        "SECATEUR_SPARK_MEMORY": "1g",
    }
