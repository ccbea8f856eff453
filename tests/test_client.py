"""The command `secateur`: what it prints, what it scores, and how it fails; on a real package."""

import csv
import gzip
import io
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from secateur import client
from secateur.identity import hash_id, id_key
from secateur.releases import layout
from secateur.releases.catalogue import Catalogue
from secateur.releases.publisher import Publisher
from secateur.releases.publishing import publish
from secateur.releases.signing import Signer, new_seed
from secateur.serving import csv_rows, scorer
from secateur.storage import join, open_store
from small_package import KEY, ROWS, USERS, sealed


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Shell:
    """A user's shell: the environment is set, releases 1 and 2 are published."""

    uri: str
    folder: Path
    capture: pytest.CaptureFixture[str]

    def __call__(self, command: str, *arguments: str, uri: str | None = None) -> Said:
        self.capture.readouterr()
        try:
            code = client.main([command, uri or self.uri, *arguments])
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        return Said(code, *self.capture.readouterr())

    def rows(self, name: str = "rows.csv", **changes: list[str]) -> Path:
        """A CSV file of ROWS with a column that no model knows."""
        columns = {**ROWS, "noise": ["x"] * (len(USERS) + 2), **changes}
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
        path = self.folder / name
        data = text.getvalue().encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder store with two releases, and the publisher's seed."""
    folder, seed = tmp_path_factory.mktemp("shop"), new_seed()
    signer = Signer.of(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SECATEUR_VERIFY_KEY", raising=False)
        catalogue = Catalogue.at(str(folder / "root" / "short_video"), signer.trust())
    for number in (1, 2):
        package, verdict = sealed(folder, number)
        publish(Publisher(catalogue, signer), "latest", package, verdict)
    return folder / "root" / "short_video", seed


@pytest.fixture
def shell(
    shop: tuple[Path, str],
    root: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Shell]:
    folder, seed = shop
    uri = join(root, "short_video")
    source, target = open_store(str(folder)), open_store(uri)
    for entry in source.entries():
        target.put(entry.key, source.get(entry.key).data)
    monkeypatch.setenv("SECATEUR_VERIFY_KEY", Signer.of(seed).public)
    monkeypatch.setenv("SECATEUR_SIGNING_KEY", seed)
    monkeypatch.setenv("SECATEUR_ID_KEY", KEY)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield Shell(uri, tmp_path, capsys)


def expected(shell: Shell) -> Any:
    """Scores as the library gives them, row by row, to float32's precision."""
    loaded = scorer.load(Path(shell("pull").out.strip()))
    rows = [dict(zip(ROWS, values, strict=True)) for values in zip(*ROWS.values(), strict=True)]
    scores = [float(loaded.score({k: [v] for k, v in row.items()})[0]) for row in rows]
    assert len(set(scores)) > 15, "the rows differ, so that a lost order would show"
    return pytest.approx(scores, rel=1e-6)


def numbers(said: Said) -> list[float]:
    return [float(line) for line in said.out.splitlines()]


def test_pull_prints_the_folder(shell: Shell) -> None:
    said = shell("pull")
    assert said.code == 0
    assert (Path(said.out.strip()) / "model.onnx").is_file()
    assert shell("pull").out == said.out
    assert shell("pull", "--release", "1").out != said.out


def test_show_tells_what_is_served(shell: Shell) -> None:
    told = shell("show").out
    for part in (
        "channel       latest, epoch 2, since 20",
        "reason        published recipe_2",
        "release       2\n",
        "recipe        recipe_2\n",
        ", 10.0x smaller than the dense model\n",
        "published_at  20",
    ):
        assert part in told
    assert "recipe_1" in shell("show", "--release", "1").out
    assert shell("show", "--channel", "beta").code == 1


def test_releases_lists_newest_first_with_the_channels(shell: Shell) -> None:
    header, *lines = shell("releases").out.splitlines()
    assert [line.split()[0] for line in lines] == ["2", "1"]
    assert lines[0].split()[-1] == "latest"
    assert "10.0x" in lines[1]
    assert header.split()[0] == "release"


@pytest.mark.parametrize("name", ["rows.csv", "rows.csv.gz"])
def test_score_writes_one_score_a_line(shell: Shell, name: str) -> None:
    wanted = expected(shell)
    said = shell("score", str(shell.rows(name)))
    assert numbers(said) == wanted
    assert said.out.endswith("\n")
    assert "22 rows in" in said.err
    assert "rows/s" in said.err
    shell("score", str(shell.folder / name), "--output", str(shell.folder / "scores.csv"))
    assert (shell.folder / "scores.csv").read_text() == said.out


def test_score_goes_by_chunks(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = expected(shell)
    monkeypatch.setattr(csv_rows, "CHUNK_ROWS", 5)
    assert numbers(shell("score", str(shell.rows()))) == wanted


def test_score_reads_standard_input(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(shell.rows().read_text()))
    assert numbers(shell("score", "-")) == expected(shell)


def test_score_takes_hashed_ids_without_the_key(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = pytest.approx(numbers(shell("score", str(shell.rows())))[:20])
    monkeypatch.delenv("SECATEUR_ID_KEY")
    raw = str(shell.rows())
    assert shell("score", raw).code == 64
    hashed = [hash_id(KEY.encode(), user) for user in USERS]
    rows = {name: values[:20] for name, values in ROWS.items()} | {"user_id": hashed}
    path = shell.rows("hashed.csv", **rows, noise=[""] * 20)
    assert numbers(shell("score", str(path), "--hashed")) == wanted


def test_bad_rows_are_told_by_file_and_row_and_leave_no_output(shell: Shell) -> None:
    path = shell.folder / "bad.csv"
    path.write_text("user_id,video_id,duration_ms\n1,2,3\n1,2\n")
    said = shell("score", str(path), "--output", str(shell.folder / "out"))
    assert (said.code, said.err) == (64, f"secateur: {path}: row 3 has 2 of 3 columns\n")
    assert not list(shell.folder.glob("out*"))
    path.write_text("user_id,video_id\n1,2\n")
    assert shell("score", str(path)).err == f"secateur: {path}: no column duration_ms\n"
    path.write_bytes(b"\x1f\x8b\x08rubbish")
    assert shell("score", str(path)).code == 64
    assert shell("score", str(shell.folder / "none.csv")).code == 64
    path.write_text("user_id,video_id,duration_ms\n")
    assert shell("score", str(path)).out == ""


def test_verify_holds_until_a_byte_changes(shell: Shell) -> None:
    said = shell("verify")
    assert said.code == 0, said.err
    assert "release 2: " in said.out
    assert "golden scores hold" in said.out
    store = open_store(shell.uri)
    manifest = Catalogue.at(shell.uri, Signer.of().trust()).release(2).manifest
    key = layout.blob_key(next(e.sha256 for e in manifest.files if e.path == "model.onnx"))
    data = store.get(key).data
    store.put(key, data[:-1] + bytes([data[-1] ^ 1]))
    said = shell("verify")
    assert said.code == 1, "although the cache holds a good copy"
    assert said.err.count("\n") == 1
    assert "model.onnx" in said.err


def test_rollback_moves_and_sweep_first_asks(shell: Shell) -> None:
    said = shell("rollback", "--release", "1", "--reason", "drift", "--by", "ada")
    assert (said.code, said.out) == (0, "latest serves release 1, epoch 3, held by ada\n")
    assert "held          by ada since 2" in shell("show").out
    said = shell("resume", "--reason", "it was the log", "--by", "bob")
    assert (said.code, said.out) == (0, "latest serves release 1, epoch 4\n")
    said = shell("hold", "--reason", "the campaign runs", "--by", "ada")
    assert (said.code, said.out) == (0, "latest serves release 1, epoch 5, held by ada\n")
    assert [line.split()[-5:] for line in shell("history").out.splitlines()[1:3]] == [
        ["1", "ada", "the", "campaign", "runs"],
        ["bob", "it", "was", "the", "log"],
    ]
    assert "recipe_1" in shell("show").out
    told = shell("sweep", "--keep", "1", "--grace-hours", "-1")
    assert told.out.startswith("would delete releases []"), "1 is served, 2 is the newest"
    shell("rollback", "--release", "2", "--reason", "it was the log")
    told = shell("sweep", "--keep", "1", "--grace-hours", "-1")
    assert told.out.startswith("would delete releases [1]")
    assert shell("show", "--release", "1").code == 0
    done = shell("sweep", "--keep", "1", "--grace-hours", "-1", "--delete")
    assert done.out == told.out.replace("would delete", "deleted")
    assert shell("show", "--release", "1").code == 1
    assert shell("verify").code == 0


def test_errors_are_one_line_with_the_code_of_their_kind(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = [
        (shell("pull", uri="ftp://x/short_video"), 64, "s3://bucket/"),
        (shell("pull", "--channel", "beta"), 1, "no channel beta"),
        (shell("pull", "--release", "7"), 1, "no signed release 7"),
        (shell("pull", "--release", "x"), 64, "invalid int value"),
        (shell("rollback", "--release", "1", "--reason", ""), 64, "reason"),
        (shell("sweep", "--keep", "0"), 64, "at least one"),
    ]
    monkeypatch.setenv("SECATEUR_VERIFY_KEY", Signer.of(new_seed()).public)
    cases.append((shell("pull"), 1, "not signed by any of the 1 keys"))
    monkeypatch.delenv("SECATEUR_VERIFY_KEY")
    cases.append((shell("pull"), 64, "set SECATEUR_VERIFY_KEY"))
    for said, code, words in cases:
        assert (said.code, said.out) == (code, ""), said
        assert said.err.startswith("secateur"), said
        assert said.err.count("\n") == 1, said
        assert words in said.err, said


def test_new_keys_publish_and_are_trusted(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    capture = shell.capture
    capture.readouterr()
    assert client.main(["keys"]) == 0
    keys = dict(line.split("=", 1) for line in capture.readouterr().out.splitlines())
    assert set(keys) == {"SECATEUR_ID_KEY", "SECATEUR_SIGNING_KEY", "SECATEUR_VERIFY_KEY"}
    for name, value in keys.items():
        monkeypatch.setenv(name, value)
    signature = Signer.of().sign(b"a manifest")
    Signer.of().trust().verify(b"a manifest", signature, "the manifest")
    assert len(id_key()) >= 32
    client.main(["keys"])
    again = dict(line.split("=", 1) for line in capture.readouterr().out.splitlines())
    assert not set(again.values()) & set(keys.values())


def test_the_client_imports_nothing_heavy_before_and_nothing_of_the_pipeline_ever() -> None:
    """What a service installs has no pydantic, rich, pyarrow or torch; boto3 only opens s3://."""
    script = (
        "import sys; import secateur, secateur.client as c; c.client_parser();"
        "early = set(sys.modules);"
        "import secateur.releases.pulling, secateur.releases.canary, secateur.releases.sweeping,"
        "secateur.releases.by_hand.rolling_back, secateur.serving.scorer, secateur.storage.s3;"
        "heavy = {'boto3', 'numpy', 'onnxruntime', 'cryptography'} & early;"
        "never = {'pydantic', 'rich', 'pyarrow', 'torch', 'pandas', 'onnx', 'boto3'}"
        " & set(sys.modules); print(sorted(heavy), sorted(never))"
    )
    environment = {"PYTHONPATH": str(Path(client.__file__).parents[1]), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )
    assert done.stdout == "[] []\n"
