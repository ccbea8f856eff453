"""Slow proofs on the whole bundled log: `make proof`."""

from pathlib import Path

import pytest

from bench.night.verb_chain import run_to_packages
from secateur import artifacts

pytestmark = pytest.mark.proof

UNTIMED = ("events", "events_report", "features", "features_report", "dense", "plan")


def digests(run: Path) -> dict[str, str]:
    """Digest of everything up to the packages; what holds measured time is left out."""
    places = [
        *UNTIMED,
        *(str(p.relative_to(run)) for p in sorted(run.glob("candidates/*/package"))),
    ]
    return {place: artifacts.read_manifest(str(run / place)).digest for place in places}


def test_two_nights_on_the_same_log_give_the_same_digests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, master in (("one", "local[1]"), ("two", "local[2]")):
        monkeypatch.setenv("SECATEUR_SPARK_MASTER", master)
        assert len(list(run_to_packages("short_video", tmp_path / name))) > 15
    found = digests(tmp_path / "one")
    assert len(found) > 15
    assert found == digests(tmp_path / "two")
