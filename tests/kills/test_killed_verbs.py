"""Kill -9 of every verb of a night, at four moments each: the next run completes what it began.

One night runs undisturbed. Of another every verb is killed after a quarter, a half and three
quarters of the processor's seconds that it took there, and as soon as it has written a file; then
it runs to its end.
"""

import json
import logging
from pathlib import Path

import pytest

import secateur
from kills.killed_process import Moment, after, first_file_below
from kills.night_of_verbs import Night, verbs_environment
from kills.night_steps import Step, steps_of
from secateur.releases.catalogue import Catalogue
from secateur.releases.signing import VERIFY_KEY, Trust

pytestmark = pytest.mark.proof

CANDIDATE = "hybrid_small"
PARTS = (0.25, 0.5, 0.75)
STEPS = steps_of(CANDIDATE)
log = logging.getLogger("secateur")


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    return verbs_environment()


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
    timed = {place for place in expected if place.startswith(("levels/", "losses/"))}
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
