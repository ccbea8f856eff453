"""With `--json` a command of `secateur` prints one document that a program reads."""

import json
from pathlib import Path
from typing import Any

import pytest

from secateur import client
from secateur.releases.catalogue import Catalogue
from secateur.releases.publisher import Publisher
from secateur.releases.publishing import publish
from secateur.releases.signing import Signer, new_seed
from small_package import KEY, sealed


@pytest.fixture
def uri(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A store with two releases."""
    seed = new_seed()
    signer = Signer.of(seed)
    monkeypatch.setenv("SECATEUR_VERIFY_KEY", signer.public)
    monkeypatch.setenv("SECATEUR_SIGNING_KEY", seed)
    monkeypatch.setenv("SECATEUR_ID_KEY", KEY)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    found = (tmp_path / "root" / "short_video").as_uri()
    for number in (1, 2):
        publisher = Publisher(Catalogue.at(found, signer.trust()), signer)
        publish(publisher, "latest", *sealed(tmp_path, number))
    return found


def test_every_command_of_a_store_answers_in_json(
    uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(command: str, *flags: str) -> Any:
        capsys.readouterr()
        assert client.main([command, uri, "--json", *flags]) == 0
        return json.loads(capsys.readouterr().out)

    pulled = told("pull")
    assert (pulled["release"], pulled["epoch"], pulled["offline"]) == (2, 2, False)
    assert (Path(pulled["folder"]) / "recipe.json").exists()
    shown = told("show")
    assert (shown["channel"]["release"], shown["release"]["number"]) == (2, 2)
    assert shown["release"]["files"][0]["sha256"]
    assert told("show", "--release", "1")["channel"] is None
    assert told("verify")["files"] == len(shown["release"]["files"])
    listed = told("releases")
    assert [(one["release"]["number"], one["channels"]) for one in listed] == [
        (2, ["latest"]),
        (1, []),
    ]
    why = ("--reason", "because", "--by", "ada")
    assert told("rollback", "--release", "1", *why)["hold"]["actor"] == "ada"
    assert told("resume", *why)["hold"] is None
    assert told("hold", *why)["hold"]["reason"] == "because"
    assert told("renew", "--days", "2")["valid_hours"] == 48
    actions = [move["action"] for move in told("history")]
    assert actions == ["held", "resumed", "rolled back", "published", "published"]
    assert told("sweep", "--keep", "1")["dry_run"] is True
