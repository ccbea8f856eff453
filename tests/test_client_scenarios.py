"""The command `secateur scenario`: checking a scenario file, and drafting one from a log."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from secateur import client
from small_scenario import spoil


def run(capture: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """A command that needs no store."""
    capture.readouterr()
    return client.main(["scenario", *arguments]), *capture.readouterr()


def test_scenario_check_lists_every_mistake_and_exits_64(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = spoil(tmp_path, ("margin = 0.01", "margn = 0.01"), ("seed = 1", "seed = []"))
    code, out, error = run(capsys, "check", str(path))
    assert code == 64
    assert error == f"secateur: {path}: 3 mistakes\n"
    assert [line.split(":")[1] for line in out.splitlines()] == ["3", "42", "43"]
    code, out, error = run(capsys, "check", str(spoil(tmp_path)))
    assert (code, error) == (0, "")
    assert out.count("\n") == 1
    assert " 1 counter, 2 candidates, " in out


@pytest.mark.parametrize("command", ["check", "draft", "reference"])
def test_every_scenario_command_says_what_it_does(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        client.main(["scenario", command, "--help"])
    described = capsys.readouterr().out.partition("\n\n")[2].partition("\n\n")[0]
    assert re.match(r"[A-Z].+\.", " ".join(described.split()))


def test_scenario_draft_writes_what_check_accepts_and_replaces_no_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "events" / "clicks.csv"
    log.parent.mkdir()
    rows = "".join(
        f"u{n % 5},i{n % 9},{1_700_000_000_000 + n * 10_000_000},{n % 2}\n" for n in range(50)
    )
    log.write_text("user_id,item_id,time_ms,click\n" + rows)
    target = tmp_path / "draft.toml"
    _, drafted, _ = run(capsys, "draft", str(log))
    assert run(capsys, "draft", str(log), "--output", str(target)) == (0, "", "")
    assert target.read_text() == drafted
    code, _, _ = run(capsys, "check", str(target), "--logs")
    assert code == 0
    code, _, error = run(capsys, "draft", str(log), "--output", str(target))
    assert (code, error) == (64, f"secateur: {target} exists; a draft replaces no file\n")
    code, _, _ = run(capsys, "draft", str(tmp_path / "none.csv"))
    assert code == 64


def test_scenario_commands_say_which_environment_they_need() -> None:
    """A service's environment has no pydantic; here it is hidden from a fresh interpreter."""
    script = (
        "import sys; sys.modules['pydantic'] = None; import secateur.client as c;"
        "sys.exit(c.main(['scenario', 'check', 'short_video']))"
    )
    environment = {"PYTHONPATH": str(Path(client.__file__).parents[1]), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 64
    assert done.stderr == "secateur: this needs secateur[pipeline]: pydantic is not installed\n"


def test_scenario_has_a_help_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        client.main(["scenario", "draft", "--help"])
    assert left.value.code == 0
    assert "LOG" in capsys.readouterr().out


def test_scenario_reference_writes_the_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    _, printed, _ = run(capsys, "reference")
    assert run(capsys, "reference", "--output", str(page)) == (0, "", "")
    assert page.read_text() == printed
    assert "### `[logs]`" in printed
