"""Spark's Java is given shared classes where set-up made some, and starts without them, too."""

import shlex
import subprocess
from pathlib import Path

import pytest

from secateur import spark


def java_options() -> list[str]:
    return shlex.split(spark._settings()["spark.driver.extraJavaOptions"])


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the archive would lie, in a folder whose name holds a space."""
    place = tmp_path / "an environment" / "spark.jsa"
    place.parent.mkdir()
    monkeypatch.setattr(spark, "SHARED_CLASSES", place)
    monkeypatch.setenv(spark.JAVA_OPTIONS, "-Xss2m")
    monkeypatch.delenv(spark.UNDER_SPARK_SUBMIT, raising=False)
    return place


def test_shared_classes_are_used_where_there_are_some(archive: Path) -> None:
    assert java_options() == ["-Xss2m"]
    archive.touch()
    assert java_options()[:2] == ["-Xss2m", f"-XX:SharedArchiveFile={archive}"]


def test_an_archive_of_another_java_is_passed_over_in_silence(archive: Path) -> None:
    archive.write_bytes(b"of another Java" * 1000)
    plain, given = (
        subprocess.run(["java", *options, "-version"], capture_output=True, check=True)
        for options in ([], java_options())
    )
    assert given.stdout == b""
    assert given.stderr.splitlines()[:2] == plain.stderr.splitlines()[:2]
    assert len(given.stderr.splitlines()) == len(plain.stderr.splitlines())
