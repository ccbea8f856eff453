"""Which releases and snapshots hold a user: found by the keyed hash, told by `secateur forget`."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from secateur import artifacts, client
from secateur.contracts.errors import REFUSED, USAGE
from secateur.contracts.releases import FeatureSnapshot, SnapshotColumn, SnapshotTable
from secateur.identity import ID_KEY, fingerprint, hash_id
from secateur.releases.by_hand import forgetting
from secateur.releases.by_hand.forgetting import Held, User, search_user
from secateur.releases.catalogue import Catalogue
from secateur.releases.publisher import Publisher
from secateur.releases.publishing import publish
from secateur.releases.pulling import PulledRelease, pull_from
from secateur.releases.signing import VERIFY_KEY, Trust
from secateur.releases.snapshots import publish_snapshot
from secateur.snapshot.keyed_tables import SNAPSHOT, write_table
from secateur.storage import open_store
from small_package import KEY, sealed

from .conftest import Shop, accept
from .test_snapshots import BY, report_of_events

COLUMN = SnapshotColumn("events", "number", unseen=0.0)
DAY = "2024-03-01"


def publish_snapshot_of(shop: Shop, users: list[str], id_key: str) -> None:
    report = report_of_events(shop.folder, DAY)
    with artifacts.create(str(shop.folder / f"snapshot {users}"), "FeatureSnapshot") as draft:
        hashes = [hash_id(KEY.encode(), user) for user in users]
        write_table(draft.folder / "table-0", hashes, [(COLUMN, np.ones(len(users)))])
        table = SnapshotTable(("uid",), len(users), (COLUMN,))
        draft.write(
            SNAPSHOT,
            FeatureSnapshot(shop.scenario, DAY, 0, id_key, "uid", "item", (), (table,)),
        )
        draft.seal(BY, {"validation": report.digest}, {})
    snapshot = artifacts.open_artifact(draft.uri, "FeatureSnapshot")
    beside = Shop(shop.root, shop.folder, f"{shop.scenario}_snapshot", shop.seed)
    publish_snapshot(beside.publisher(), "latest", snapshot, report, [DAY])


@pytest.fixture
def shop(root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Two models that know users 0 to 19, and a snapshot of users 3 and 40."""
    made = Shop(root, tmp_path)
    monkeypatch.setenv(VERIFY_KEY, made.signer.public)
    monkeypatch.setenv(ID_KEY, KEY)
    for seed in (1, 2):
        publish(made.publisher(), "latest", *sealed(tmp_path, seed))
    publish_snapshot_of(made, ["3", "40"], fingerprint(KEY.encode()))
    return made


def found_of(shop: Shop, user: str) -> dict[tuple[str, int], Held]:
    found = search_user(shop.uri, User.of(user, KEY.encode()), shop.folder / "cache")
    assert found.looked_at == 3
    return {(one.scenario, one.release): one for one in found.held}


def test_every_release_that_holds_a_user_is_found(shop: Shop) -> None:
    """User 1 is a golden row's, too, and no snapshot's; 40 is a snapshot's alone."""
    model, snapshot = "short_video", "short_video_snapshot"
    of_3, of_1, of_40 = (found_of(shop, user) for user in ("3", "1", "40"))
    assert of_3.keys() == {(model, 1), (model, 2), (snapshot, 1)}
    assert [one.channels for one in of_3.values()] == [("latest",), (), ("latest",)]
    assert of_1.keys() == {(model, 1), (model, 2)}
    assert of_1[model, 2].where == ("the vocabulary of user_id", "the golden rows' user_id")
    assert of_3[model, 2].where == ("the vocabulary of user_id",)
    assert {key: one.where for key, one in of_40.items()} == {(snapshot, 1): ("the table of uid",)}
    assert found_of(shop, "41") == {}
    assert found_of(shop, "3.0").keys() == of_3.keys(), "however the id is spelled"


def test_the_command_tells_it_and_proves_that_nothing_served_holds_them(
    shop: Shop, capsys: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.main(["forget", shop.uri, "3", "--json", "--gone"]) == REFUSED
    told = json.loads(capsys.readouterr().out)
    assert (told["looked_at"], len(told["held"]), told["erased"]) == (3, 3, None)
    asked = ["forget", shop.uri, "-", "--gone", f"--state={tmp_path / 'state'}", "--by=ada"]
    monkeypatch.setattr("sys.stdin", io.StringIO("77\r\n", newline=""))
    assert client.main(asked) == USAGE, "no night has worked on this state"
    assert client.main(["forget", shop.uri, "77", "--state", ""]) == USAGE, "of an unset variable"
    open_store(str(tmp_path / "state")).put("accepted/2024-03-01/manifest.json", b"")
    monkeypatch.setattr("sys.stdin", io.StringIO("77\r\n", newline=""))
    assert client.main(asked) == 0
    said = capsys.readouterr().out
    assert "0 of 3 releases hold them" in said
    assert "by ada: no later night holds them" in said
    assert f"user {User.of('77', KEY.encode()).hashed}" in said
    assert "77" not in said.replace(User.of("77", KEY.encode()).hashed, "")


def test_what_another_key_hashed_is_not_told_to_be_free_of_them(shop: Shop) -> None:
    publish_snapshot_of(shop, ["50"], "another id key")
    found = search_user(shop.uri, User.of("41", KEY.encode()), shop.folder / "cache")
    (untold,) = found.held
    assert (untold.release, untold.told, untold.where) == (2, False, ())
    assert found.in_service == (untold,)


def test_what_cannot_be_believed_is_not_told_to_be_free_of_them(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """Releases 1 and 2 were signed by a key that was replaced; 3, without user 41, is served."""
    renewed = Shop(shop.root, tmp_path)
    monkeypatch.setenv(VERIFY_KEY, f"{shop.signer.public},{renewed.signer.public}")
    both = Publisher(Catalogue(shop.store, shop.scenario, Trust.of()), renewed.signer, accept)
    publish(both, "latest", *sealed(tmp_path, 3))
    assert client.main(["forget", shop.uri, "41", "--gone"]) == 0
    monkeypatch.setenv(VERIFY_KEY, renewed.signer.public)
    open_store(f"{shop.uri}_snapshot").delete("channels/latest.json")
    found = search_user(shop.uri, User.of("41", KEY.encode()), tmp_path / "cache")
    untold = [(one.scenario, one.release, one.told) for one in found.held]
    model, snapshot = "short_video", "short_video_snapshot"
    assert untold == [(model, 2, False), (model, 1, False), (snapshot, 1, False)]
    assert "is not signed by" in found.held[0].disbelieved
    capsys.readouterr()
    assert client.main(["forget", shop.uri, "41", "--gone"]) == REFUSED
    assert "cannot be told: " in capsys.readouterr().out


def test_a_release_without_a_signature_is_none_yet(shop: Shop) -> None:
    shop.store.delete("releases/1/manifest.sig")
    found = search_user(shop.uri, User.of("41", KEY.encode()), shop.folder / "cache")
    assert (found.looked_at, found.held) == (2, ())


def test_what_is_served_meanwhile_is_looked_at_too(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def publish_before(catalogue: Catalogue, *asked: Any, **more: Any) -> PulledRelease:
        monkeypatch.setattr(forgetting, "pull_from", pull_from)
        publish(shop.publisher(), "latest", *sealed(shop.folder, 3))
        return pull_from(catalogue, *asked, **more)

    monkeypatch.setattr(forgetting, "pull_from", publish_before)
    found = search_user(shop.uri, User.of("1", KEY.encode()), shop.folder / "cache")
    assert [(one.release, one.channels) for one in found.held] == [
        (3, ("latest",)),
        (2, ()),
        (1, ()),
    ]
