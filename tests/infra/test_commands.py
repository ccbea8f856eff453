"""After set-up `secateur` is a command: from any folder, in both environments."""

import os
import subprocess
from pathlib import Path

import pytest

from secateur.releases.catalogue import Catalogue
from secateur.releases.publisher import Publisher
from secateur.releases.publishing import publish
from secateur.releases.signing import Signer, new_seed
from small_package import sealed

PROJECT = Path(__file__).parents[2]
LOG = PROJECT / "infra/demo/kuairand/events/date=2022-04-25/log.csv.gz"


def secateur(
    environment: str, folder: Path, *arguments: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the command of an environment in a folder that knows nothing of this checkout."""
    command = PROJECT / environment / "bin" / "secateur"
    if not command.exists():
        pytest.skip(f"{environment} is not set up: make setup")
    return subprocess.run(
        [str(command), *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_draft_is_made_and_checked_from_a_shell(tmp_path: Path) -> None:
    log = tmp_path / "clicks.csv.gz"
    log.write_bytes(LOG.read_bytes())
    drafted = secateur(".venv", tmp_path, "scenario", "draft", log.name, "--output", "mine.toml")
    assert (drafted.returncode, drafted.stderr) == (0, "")
    assert 'user = "user_id"' in (tmp_path / "mine.toml").read_text()
    checked = secateur(".venv", tmp_path, "scenario", "check", "mine.toml")
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("environment", [".venv", ".venv-client"])
def test_a_release_is_pulled_from_a_shell(environment: str, tmp_path: Path) -> None:
    store, signer = tmp_path / "models" / "short_video", Signer.of(new_seed())
    package, verdict = sealed(tmp_path, 1)
    catalogue = Catalogue.at(str(store), signer.trust())
    publish(Publisher(catalogue, signer), "latest", package, verdict)
    pulled = secateur(environment, tmp_path, "pull", str(store), SECATEUR_VERIFY_KEY=signer.public)
    assert (pulled.returncode, pulled.stderr) == (0, "")
    assert (Path(pulled.stdout.strip()) / "model.onnx").exists()


def test_the_client_alone_says_in_one_line_what_a_scenario_needs(tmp_path: Path) -> None:
    refused = secateur(".venv-client", tmp_path, "scenario", "draft", "clicks.csv")
    assert refused.returncode == 64
    assert refused.stderr.splitlines() == [
        "secateur: this needs secateur[pipeline]: pydantic is not installed"
    ]
