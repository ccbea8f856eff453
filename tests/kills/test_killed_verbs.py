"""Kill -9 of every verb of a night, at four moments each: the next run completes what it began.

One night runs undisturbed. Of another every verb is killed after a quarter, a half and three
quarters of the processor's seconds that it took there, and as soon as it has written a file; then
it runs to its end.
"""

import json
import logging
import os
from pathlib import Path

import pytest

import secateur
from kills.killed_process import Moment, after, first_file_below, kill_at, run_to_its_end
from kills.night_steps import PROJECT, Step, steps_of
from secateur import artifacts
from secateur.releases.catalogue import Catalogue
from secateur.releases.signing import SIGNING_KEY, VERIFY_KEY, Signer, Trust, new_seed
from small_night import write_small_night

pytestmark = pytest.mark.proof

CANDIDATE = "hybrid_small"
PARTS = (0.25, 0.5, 0.75)
STEPS = steps_of(CANDIDATE)
log = logging.getLogger("secateur")


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


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    seed = new_seed()
    keys = {SIGNING_KEY: seed, VERIFY_KEY: Signer.of(seed).public}
    return {
        **os.environ,
        **keys,
        "PYTHONPATH": str(PROJECT / "jobs"),
        "SECATEUR_SPARK_MEMORY": "1g",
    }


@pytest.fixture(scope="module")
def undisturbed(
    tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]
) -> tuple[Night, dict[str, float]]:
    """A night that nothing disturbed, and the seconds that its verbs took."""
    night = Night(tmp_path_factory.mktemp("undisturbed") / "night", environment)
    return night, {step.output: night.run(step) for step in STEPS}


@pytest.fixture(scope="module")
def disturbed(
    tmp_path_factory: pytest.TempPathFactory,
    environment: dict[str, str],
    undisturbed: tuple[Night, dict[str, float]],
) -> Night:
    """A night each of whose verbs was killed at four moments before it ran to its end."""
    whole, seconds = undisturbed
    night = Night(tmp_path_factory.mktemp("disturbed") / "night", environment)
    for step in STEPS:
        killed = []
        for moment in moments(night, step, seconds[step.output]):
            killed.append(night.kill(step, moment))
            for place in step.sealed if step.repeatable else ():
                assert night.digest(place) in (None, whole.digest(place)), place
        log.info("%s was killed: %s", step.output, killed)
        assert any(killed), step.output
        night.run(step)
    return night


def moments(night: Night, step: Step, seconds: float) -> list[Moment]:
    """After parts of the time that it takes, and as soon as it has written a file."""
    return [
        *(after(part * seconds) for part in PARTS),
        first_file_below(night.folder / step.output),
    ]


def test_a_night_of_killed_verbs_seals_what_an_undisturbed_one_does(
    undisturbed: tuple[Night, dict[str, float]], disturbed: Night
) -> None:
    whole = undisturbed[0]
    places = [place for step in STEPS if step.repeatable for place in step.sealed]
    expected = {place: whole.digest(place) for place in places}
    assert None not in expected.values()
    assert {place: disturbed.digest(place) for place in places} == expected


def test_later_nights_find_the_same_state(
    undisturbed: tuple[Night, dict[str, float]], disturbed: Night
) -> None:
    left, expected = disturbed.state(), undisturbed[0].state()
    assert any(place.startswith("accepted/") for place in expected)
    assert any(place.startswith("clean_events/") for place in expected)
    assert left.keys() == expected.keys()
    timed = {place for place in expected if place.startswith("levels/")}
    assert {p: d for p, d in left.items() if p not in timed} == {
        p: d for p, d in expected.items() if p not in timed
    }
    fence = json.loads((disturbed.folder / "state" / "night.json").read_text())
    assert fence["until"] == 0, "the fence fell"


@pytest.mark.parametrize("name", ["kills", "kills_snapshot"])
def test_what_was_killed_while_it_published_is_one_release(disturbed: Night, name: str) -> None:
    store = (disturbed.folder / "store" / name).as_uri()
    catalogue = Catalogue.at(store, Trust.of([disturbed.environment[VERIFY_KEY]]))
    assert [release.manifest.number for release in catalogue.releases()] == [1]
    pointer = catalogue.pointer("latest")
    assert pointer is not None
    assert pointer.pointer.release == 1


def test_a_client_pulls_and_loads_what_was_killed_while_it_published(
    disturbed: Night, tmp_path: Path
) -> None:
    store = (disturbed.folder / "store" / "kills").as_uri()
    keys = [disturbed.environment[VERIFY_KEY]]
    release = secateur.pull(store, cache=tmp_path, verify_keys=keys)
    assert secateur.load(release).schema.scenario == "kills"
