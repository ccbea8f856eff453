"""The reference is the newest accepted night that ended earlier: never a refused or broken one."""

import json
from pathlib import Path

import pytest

from secateur.artifacts import Artifact, create, open_artifact
from secateur.contracts.artifact_files import PROFILE, REPORT
from secateur.contracts.data import Acceptance, Profile, ValidationReport, ValueCounts
from secateur.contracts.errors import CorruptArtifact, Refused
from secateur.contracts.judgement import NightLevels, Verdict
from secateur.contracts.manifest import MadeBy
from secateur.validation.drift import reference_night
from small_events import Nights, failed, plain_rows, report_of

DAYS = tuple(f"2024-03-0{day}" for day in range(1, 8))
WATCHED = ("validation.drift.min_rows=10", "validation.drift.categories={tab = 0.9}")


def reported(nights: Nights, name: str, day: str, seed: int = 0) -> None:
    """Seal by hand the report of a night that ended on this day: the tabs are its profile."""
    frame = plain_rows(day, 60, seed)
    tabs = ValueCounts(frame["tab"].value_counts().to_dict(), 0, 0)
    profile = Profile(60, float(frame["label"].mean()), {day: 60}, {"tab": tabs}, {})
    with create(str(nights.folder / f"{name}_report"), "ValidationReport") as draft:
        draft.write(REPORT, ValidationReport(f"events {name} {seed}", True, 60, ()))
        draft.write(PROFILE, profile)
        draft.seal(MadeBy("by hand", "0"), {}, {})


def accepted(nights: Nights, day: str, seed: int = 0) -> Artifact:
    """The acceptance of a night that ended on this day."""
    reported(nights, day, day, seed)
    return nights.accept(f"{day}_report")


def reference_of(nights: Nights, day: str) -> str | None:
    """The last day of the night that a night of `day` is held against."""
    found = reference_night.before(str(nights.state), day)
    return None if found is None else found.read(PROFILE, Profile).last_day


def test_a_night_is_held_against_the_last_before_its_last_day(nights: Nights) -> None:
    for day in DAYS[:3]:
        accepted(nights, day)
    nights.events("night", {day: plain_rows(day) for day in DAYS[:3]})
    assert report_of(nights.validate("night", *WATCHED)).drift[0].reference_day == DAYS[1]


def test_each_night_finds_the_newest_accepted_one_before_it(nights: Nights) -> None:
    for day in (DAYS[1], DAYS[5], DAYS[3]):
        accepted(nights, day)
    found = {day: reference_of(nights, day) for day in DAYS}
    assert found == {
        DAYS[0]: None,
        DAYS[1]: None,
        DAYS[2]: DAYS[1],
        DAYS[3]: DAYS[1],
        DAYS[4]: DAYS[3],
        DAYS[5]: DAYS[3],
        DAYS[6]: DAYS[5],
    }


def test_a_night_run_again_is_the_same_report_though_it_was_accepted_since(nights: Nights) -> None:
    accepted(nights, DAYS[0])
    nights.events("night", {DAYS[1]: plain_rows(DAYS[1])})
    first = nights.validate("night", *WATCHED).digest
    acceptance = nights.accept("night_report")
    assert nights.validate("night", *WATCHED).digest == first
    assert nights.accept("night_report").digest == acceptance.digest


def test_a_reference_does_not_depend_on_what_the_verdict_measured(nights: Nights) -> None:
    reported(nights, "night", DAYS[0])
    one, other = (nights.accept("night_report", reason=f"{us} us") for us in (100, 200))
    assert one.manifest.made_from["verdict"] != other.manifest.made_from["verdict"]
    assert one.manifest.files == other.manifest.files


def test_a_report_is_sealed_as_made_from_its_reference(nights: Nights) -> None:
    receipt = accepted(nights, DAYS[0])
    nights.events("night", {DAYS[1]: plain_rows(DAYS[1])})
    digest = json.loads((receipt.folder / "receipt.json").read_text())["accepted_night"]
    sealed = nights.validate("night", *WATCHED)
    assert sealed.manifest.made_from["reference"] == digest
    assert report_of(sealed).drift[0].reference == digest


def test_the_later_acceptance_of_a_day_replaces_the_earlier(nights: Nights) -> None:
    first, second = accepted(nights, DAYS[0], seed=1), accepted(nights, DAYS[0], seed=2)
    assert first.digest != second.digest
    reference = reference_night.before(str(nights.state), DAYS[1])
    assert reference is not None
    assert (
        reference.digest
        == json.loads((second.folder / "receipt.json").read_text())["accepted_night"]
    )


def test_a_night_that_the_gate_refused_leaves_nothing(nights: Nights) -> None:
    reported(nights, "night", DAYS[0])
    with pytest.raises(Refused, match="accepts no package"):
        nights.accept("night_report", accepted=False)
    assert not nights.state.exists()
    assert reference_of(nights, DAYS[1]) is None


def test_a_night_that_validation_refused_leaves_nothing(nights: Nights) -> None:
    nights.events("night", {DAYS[0]: plain_rows(DAYS[0])})
    nights.validate("night", *WATCHED, "validation.min_rows=1000")
    with pytest.raises(Refused, match="failed, so its night is no reference"):
        nights.accept("night_report")
    assert not nights.state.exists()


def test_a_corrupt_reference_is_no_bootstrap(nights: Nights) -> None:
    for day in DAYS[:2]:
        accepted(nights, day)
    profile = nights.state / "accepted" / DAYS[1] / "profile.json"
    profile.write_text(profile.read_text().replace('"home"', '"hone"'))
    with pytest.raises(CorruptArtifact, match=DAYS[1]):
        reference_of(nights, DAYS[2])


def test_a_reference_under_another_day_is_corrupt(nights: Nights) -> None:
    accepted(nights, DAYS[0])
    (nights.state / "accepted" / DAYS[0]).rename(nights.state / "accepted" / DAYS[1])
    with pytest.raises(CorruptArtifact, match=f"holds the night of {DAYS[0]}"):
        reference_of(nights, DAYS[2])


def test_an_acceptance_that_crashed_does_not_exist(nights: Nights) -> None:
    for day in DAYS[:2]:
        accepted(nights, day)
    (nights.state / "accepted" / DAYS[1] / "manifest.json").unlink()
    assert reference_of(nights, DAYS[2]) == DAYS[0]


def test_what_is_remembered_may_lie_in_any_store(nights: Nights, root: str) -> None:
    reported(nights, "night", DAYS[0])
    report = nights.folder / "night_report"
    flags = {"verdict": nights.verdict(), "events_report": report, "dense": nights.dense()}
    receipt = nights.run("accept_night", **flags, state=root, output=nights.folder / "receipt")
    found = reference_night.before(root, DAYS[1])
    assert found is not None
    assert found.digest == receipt.read("receipt.json", Acceptance).accepted_night
    assert reference_night.before(root, DAYS[0]) is None


def test_what_releases_had_lost_is_kept_by_the_package_that_was_accepted(nights: Nights) -> None:
    """The night of one day that is run again replaces the levels of that day, and no losses."""
    reported(nights, "night", DAYS[0])
    flags = {"events_report": nights.folder / "night_report", "dense": nights.dense()}
    for package, lost in (("p1", 0.01), ("p2", 0.02)):
        levels = NightLevels(DAYS[0], {}, lost)
        found = Verdict(
            True, "by hand", "int8", package, None, None, 0.01, None, None, (), levels=levels
        )
        with create(str(nights.folder / package), "Verdict") as draft:
            draft.write("verdict.json", found)
            draft.seal(MadeBy("by hand", "0"), {}, {})
        flags["verdict"] = nights.folder / package
        nights.run("accept_night", **flags, state=nights.state, output=nights.folder / "receipt")
    kept = {
        place: open_artifact(str(nights.state / place), "AcceptedLevels")
        .read("levels.json", NightLevels)
        .lost
        for place in ("losses/p1", "losses/p2", f"levels/{DAYS[0]}")
    }
    assert kept == {"losses/p1": 0.01, "losses/p2": 0.02, f"levels/{DAYS[0]}": 0.02}


def test_what_is_remembered_names_no_user(nights: Nights) -> None:
    nights.events(DAYS[0], {DAYS[0]: plain_rows(DAYS[0], 60)})
    assert failed(report_of(nights.validate(DAYS[0], *WATCHED))) == set()
    nights.accept(f"{DAYS[0]}_report")
    for file in (path for path in nights.state.rglob("*") if path.is_file()):
        assert b"hash-" not in Path(file).read_bytes()
