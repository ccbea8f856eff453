"""From any digest that is served one finds the way back to the log."""

import json
from pathlib import Path
from typing import Any

import pytest

from secateur import artifacts, client
from secateur.contracts.errors import ReleaseError, UsageError
from secateur.contracts.manifest import MadeBy
from secateur.releases.by_hand.lineage import Origin, why
from secateur.releases.by_hand.rolling_back import roll_back
from secateur.releases.publishing import publish


def seal(uri: Path, kind: str, verb: str, made_from: dict[str, str]) -> str:
    with artifacts.create(str(uri), kind) as draft:
        (draft.folder / "data").write_text(kind)
        manifest = draft.seal(MadeBy(verb, "c0de" * 16), made_from, {"rows": 7})
    return manifest.digest


@pytest.fixture
def night(shop: Any) -> Path:
    """A night whose package is published, made of features that were made of events."""
    run: Path = shop.folder / "run"
    events = seal(run / "events", "EventSet", "clean_events", {})
    features = seal(run / "features", "FeatureSet", "build_features", {"events": events})
    seal(run / "package", "Package", "prune_model", {"events": events, "features": features})
    package = artifacts.open_artifact(str(run / "package"), "Package")
    verdict = shop.verdict("night", package=package.digest)
    publish(shop.publisher(), "latest", package, verdict)
    return run


def walk(origin: Origin) -> dict[str, Origin]:
    found = {origin.role: origin}
    for one in origin.made_from:
        found |= walk(one)
    return found


def test_a_served_byte_leads_to_the_events(shop: Any, night: Path) -> None:
    shop.publish("next")
    roll_back(shop.publisher(), "latest", 1, "worse", "ada")
    served = shop.catalogue().release(1)
    (file,) = served.manifest.files
    runs = [str(night), str(shop.folder / "verdicts")]
    for digest in (file.sha256, served.sha256, served.manifest.package[:8]):
        (origin,) = why(shop.catalogue(), digest, runs)
        found = walk(origin)
        assert {one: o.what for one, o in found.items() if one != "events"} == {
            "release": "short_video 1",
            "package": "Package",
            "features": "FeatureSet",
            "verdict": "Verdict",
        }
        assert "made by build_features, code c0dec0dec0de" in found["features"].told
        assert any("rolled back" in line and "ada: worse" in line for line in origin.told)
        assert "latest serves it now" in origin.told
        first = next(one for one in found["package"].made_from if one.role == "events")
        again = next(one for one in found["features"].made_from if one.role == "events")
        assert (first.what, again.what) == ("EventSet", "EventSet, as above")


def test_a_chunk_of_a_large_file_leads_to_its_release(cut_shop: Any) -> None:
    for name in "ab":
        cut_shop.publish(name)
    table = next(one for one in cut_shop.catalogue().release(2).manifest.files if one.chunks)
    (old,) = (one for one in cut_shop.catalogue().release(1).manifest.files if one.chunks)
    new = next(one for one in table.chunks if one not in old.chunks)
    (origin,) = why(cut_shop.catalogue(), new.sha256, [])
    assert (origin.what, origin.told[0]) == (
        "short_video 2",
        f"file {table.path}, {table.bytes:,} bytes",
    )
    shared = next(one for one in table.chunks if one in old.chunks)
    assert len(why(cut_shop.catalogue(), shared.sha256, [])) == 2


def test_without_nights_it_leads_to_their_digests(shop: Any, night: Path) -> None:
    package = shop.catalogue().release(1).manifest.package
    (origin,) = why(shop.catalogue(), package, [])
    assert walk(origin)["package"].digest == package
    assert "not below the nights" in walk(origin)["package"].what


def test_any_artifact_of_a_night_is_found(shop: Any, night: Path) -> None:
    features = artifacts.open_artifact(str(night / "features"), "FeatureSet").digest
    (origin,) = why(shop.catalogue(), features, [str(night)])
    assert [one.what for one in origin.made_from] == ["EventSet"]


def test_what_nothing_has_is_said(shop: Any, night: Path) -> None:
    with pytest.raises(ReleaseError, match="nothing that is published"):
        why(shop.catalogue(), "0" * 64, [str(night)])
    with pytest.raises(UsageError, match="at least 8"):
        why(shop.catalogue(), "0", [])
    with pytest.raises(UsageError, match=r"nights: nothing that a night has sealed"):
        why(shop.catalogue(), "0" * 64, [str(night), str(night.parent / "nights")])


def test_a_shell_tells_it_in_lines_and_in_json(
    shop: Any, night: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SECATEUR_VERIFY_KEY", shop.signer.public)
    package = shop.catalogue().release(1).manifest.package
    asked = ["why", shop.uri, package, "--runs", str(night)]
    assert client.main(asked) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("release: short_video 1 ")
    assert any(line.startswith("    features: FeatureSet") for line in lines)
    assert client.main([*asked, "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert told["made_from"][0]["digest"] == package
