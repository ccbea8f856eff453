"""What `secateur` is asked wrongly ends with 64 and one line, and is not tried again."""

from pathlib import Path

import pytest

from secateur import client
from secateur.releases.signing import Signer, new_seed


@pytest.mark.parametrize(
    "changes",
    [
        {"AWS_ACCESS_KEY_ID": "half a pair"},
        {"AWS_PROFILE": "nobody"},
        {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_ENDPOINT_URL_S3": "no url"},
        {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us east!"},
    ],
    ids=str,
)
@pytest.mark.parametrize("command", ["pull", "show", "releases"])
def test_wrong_variables_are_one_line_and_64(
    command: str,
    changes: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SECATEUR_VERIFY_KEY", Signer.of(new_seed()).public)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    assert client.main([command, "s3://models/short_video"]) == 64
    said = capsys.readouterr().err
    assert said.startswith("secateur: s3://models/short_video")
    assert said.count("\n") == 1
    assert "AWS_" in said


@pytest.mark.parametrize("command", ["pull", "show", "releases"])
def test_a_mistyped_store_is_no_empty_one(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SECATEUR_VERIFY_KEY", Signer.of(new_seed()).public)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    uri = (tmp_path / "mistyped" / "short_video").as_uri()
    assert client.main([command, uri]) == 1
    assert uri in capsys.readouterr().err


@pytest.mark.parametrize("command", ["pull", "show", "verify", "serve", "releases"])
@pytest.mark.parametrize("uri", ["", " ", "s3://[::1/short_video"])
def test_what_is_no_uri_is_one_line_and_64(
    command: str, uri: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An unset variable is not the folder that the shell stands in."""
    monkeypatch.setenv("SECATEUR_VERIFY_KEY", Signer.of(new_seed()).public)
    assert client.main([command, uri]) == 64
    assert capsys.readouterr().err.count("\n") == 1
