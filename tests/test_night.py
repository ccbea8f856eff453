"""Real nights through Airflow, with Spark, Great Expectations, torch and SeaweedFS all real.

The first publishes, once a person has approved. The second has its trainer killed and an impossible
margin: Airflow retries the one, the gate refuses the other, and what is served is renewed, and does
not change. Two more end soon: nothing is new to the one, the other is marked failed by a person.
"""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

import secateur
from local_site.progress import state_of
from local_site.service import free_port
from local_site.site import Site
from real_night import Night, run_night
from secateur.contracts import record
from secateur.contracts.judgement import Verdict
from secateur.contracts.releases import SignedPointer
from secateur.storage import open_store

SCENARIO = Path(__file__).parents[1] / "jobs" / "scenarios" / "short_video.toml"
CANDIDATES = ["weights_magnitude", "hybrid_small"]
DETERMINISTIC = ("events", "events_report", "features", "features_report", "dense", "plan")
SMALLER = {
    "window_days = 14": "window_days = 7",
    "min_rows = 100_000": "min_rows = 50_000",
    'name = "short_video"': 'name = "small_night"',
    'schedule = "0 3 * * *"': 'schedule = "@yearly"',
    "[release]": "[release]\napproval_hours = 1\nvalid_days = 7",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    text = SCENARIO.read_text()
    for old, new in SMALLER.items():
        assert old in text
        text = text.replace(old, new)
    (folder / "scenarios").mkdir()
    (folder / "scenarios" / "small_night.toml").write_text(text)
    settings = (
        ("scenarios", str(folder / "scenarios")),
        ("retry_seconds", "5"),
        ("schedule", "off"),
    )
    site = Site(folder, free_port(), settings)
    try:
        site.start()
        os.environ.update(site.environment())
        yield site
    finally:
        site.stop()


@pytest.fixture(scope="module")
def published(site: Site) -> Night:
    return run_night(site, {"candidates": CANDIDATES, "margin": 0.05})


@pytest.fixture(scope="module")
def served(published: Night) -> bytes:
    assert published.state == "success"
    return pointer_bytes()


@pytest.fixture(scope="module")
def refused(site: Site, served: bytes) -> Night:
    assert served
    return run_night(site, {"candidates": CANDIDATES, "margin": -0.5}, kill="train_model")


@pytest.fixture(scope="module")
def repeated(site: Site, refused: Night) -> Night:
    """What the first night was asked for, asked again."""
    assert refused
    return run_night(site, {"candidates": CANDIDATES, "margin": 0.05})


@pytest.fixture(scope="module")
def marked(site: Site, repeated: Night) -> Night:
    """A night that a person marks failed while its log is cleaned."""
    assert repeated
    return run_night(site, {"again": True}, mark_failed_at="clean_events")


def pointer_bytes() -> bytes:
    return open_store("s3://models/small_night").get("channels/latest.json").data


def moved_at(pointer: bytes, served: bytes) -> int:
    """The epoch of a pointer that serves what `served` does, and was but renewed since."""
    now, then = (record.from_json(SignedPointer, one).pointer for one in (pointer, served))
    assert replace(now, epoch=then.epoch, renewed_at=then.renewed_at) == then
    return now.epoch


def test_a_night_ends_in_a_release_that_a_client_pulls(published: Night, served: bytes) -> None:
    pointer = record.from_json(SignedPointer, served).pointer
    assert (pointer.release, pointer.epoch) == (1, 1)
    release = secateur.pull("s3://models/small_night", cache=published.folder.parents[2] / "reader")
    assert secateur.load(release).schema.scenario == "small_night"
    assert release.manifest.package == verdict_of(published).package
    assert release.manifest.bytes * 10 <= release.manifest.dense_bytes


def test_a_person_approved_and_those_who_wait_for_the_channel_are_told(
    site: Site, published: Night, served: bytes
) -> None:
    pulled = secateur.pull("s3://models/small_night", cache=published.folder.parents[2] / "reader")
    approval = pulled.manifest.approval
    assert approval is not None
    assert (approval.by, approval.reason) == ("admin", "fine")
    events = site.airflow.start().page("/api/v2/assets/events").json()["asset_events"]
    (told,) = [one for one in events if one["uri"].endswith("/small_night/channels/latest.json")]
    days = pulled.manifest.days
    expected = {"channel": "latest", "release": 1, "bytes": pulled.manifest.bytes}
    assert told["extra"].items() >= expected.items()
    assert told["extra"]["package"] == pulled.manifest.package
    assert (told["extra"]["first_day"], told["extra"]["last_day"]) == (days[0], days[-1])


def verdict_of(night: Night) -> Verdict:
    return record.from_json(Verdict, (night.folder / "verdict" / "verdict.json").read_bytes())


def test_every_candidate_is_judged_and_the_mask_only_one_saves_nothing(published: Night) -> None:
    fates = {judged.recipe: judged for judged in verdict_of(published).candidates}
    assert set(fates) == set(CANDIDATES)
    assert "no saving" in " ".join(fates["weights_magnitude"].reasons)
    assert verdict_of(published).chosen == "hybrid_small"


def test_no_artifact_holds_a_raw_user_id_or_a_secret(site: Site, published: Night) -> None:
    secrets = [
        v.encode() for k, v in site.environment().items() if "KEY" in k and "VERIFY" not in k
    ]
    assert len(secrets) >= 3
    logs = [p for p in (site.folder / "airflow" / "logs").rglob("*") if p.is_file()]
    files = [p for p in published.folder.rglob("*") if p.is_file()]
    assert logs
    for path in files + logs:
        content = path.read_bytes()
        assert not [s for s in secrets if s in content], path


def test_a_killed_trainer_is_retried(refused: Night) -> None:
    train = refused.task("train_model")
    assert (state_of(train), train.try_number) == ("success", 2)
    killed = "\n".join(refused.logs["train_model"])
    assert "Task failed" in killed
    assert "sealed ModelBundle" not in killed


def test_an_impossible_margin_is_refused_once_and_says_why(refused: Night) -> None:
    judge = refused.task("judge_candidates")
    assert refused.state == "failed"
    assert (state_of(judge), judge.try_number) == ("failed", 1)
    assert state_of(refused.task("publish_release")) == "upstream_failed"
    assert state_of(refused.task("report_night")) == "success"
    text = "\n".join(refused.logs["judge_candidates"][-25:])
    for name in CANDIDATES:
        assert re.search(rf"{name}.*margin", text), text
    assert not verdict_of(refused).accepted


def test_a_refused_night_renews_what_is_served_and_changes_nothing_else(
    served: bytes, refused: Night
) -> None:
    assert refused.state == "failed"
    assert moved_at(pointer_bytes(), served) == 2


def test_the_same_inputs_gave_the_same_digests(published: Night, refused: Night) -> None:
    places = [*DETERMINISTIC, *(f"candidates/{name}/package" for name in [*CANDIDATES, "dense"])]
    assert {p: published.digest(p) for p in places} == {p: refused.digest(p) for p in places}


def test_a_night_without_anything_new_is_skipped_and_says_which_release_it_is(
    repeated: Night, served: bytes
) -> None:
    assert state_of(repeated.task("check_run")) == "skipped"
    assert state_of(repeated.task("clean_events")) == "skipped"
    assert (repeated.state, moved_at(pointer_bytes(), served)) == ("success", 3)
    page = (repeated.folder / "report" / "index.html").read_text()
    assert "nothing is new: release 1 of" in page


def test_a_night_that_a_person_marks_failed_is_red_and_told(marked: Night, served: bytes) -> None:
    assert marked.state == "failed"
    assert moved_at(pointer_bytes(), served) >= 3
    assert state_of(marked.task("publish_release")) == "skipped"
    told = "\n".join(marked.logs["report_night"])
    assert "ALERT secateur_small_night.night ended by hand" in told
    assert "served: release 1 (hybrid_small) on channel latest" in told
    page = (marked.folder / "report" / "index.html").read_text()
    assert "the run was marked by hand" in page


def test_the_key_that_signs_is_given_to_those_that_sign_alone(site: Site) -> None:
    pids = [json.loads(path.read_text())["pid"] for path in site.airflow.home.rglob("*.pid")]
    key = site.environment()["SECATEUR_SIGNING_KEY"].encode()
    assert len(pids) == 3
    for pid in pids:
        assert key not in Path(f"/proc/{pid}/environ").read_bytes()
    private = [path for path in site.airflow.home.rglob("*") if path.is_file()]
    assert {path.name for path in private if path.stat().st_mode & 0o077} <= {
        path.name for path in private if "logs" in path.parts
    }


def test_the_report_is_shown_in_the_ui_to_those_who_may_see_the_dag(
    site: Site, published: Night, refused: Night
) -> None:
    api = site.airflow.start()
    for night in (published, refused):
        path = f"/secateur/report?dag_id=secateur_small_night&run_id={quote(night.run, safe='')}"
        assert api.page(path).text == (night.folder / "report" / "index.html").read_text()
        assert httpx.get(f"{api.url}{path}").status_code == httpx.codes.UNAUTHORIZED


def test_the_board_tells_of_every_night_and_is_shown_to_those_who_may_see_the_dag(
    site: Site, published: Night, marked: Night
) -> None:
    api = site.airflow.start()
    path = "/secateur/scenarios/secateur_small_night/board"
    board = api.page(path).text
    endings = re.findall(r'<span class="status (\w+)">', board)
    assert endings == ["incomplete", "skipped", "refused", "published"]
    assert "admin" in board, "who approved"
    link = f'href="runs/{published.folder.name}/report"'
    assert link in board
    for page in (path, "/secateur/boards", f"{path.removesuffix('board')}{link[6:-1]}"):
        assert api.page(page).status_code == httpx.codes.OK
        assert httpx.get(f"{api.url}{page}").status_code == httpx.codes.UNAUTHORIZED
