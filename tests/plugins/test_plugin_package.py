"""The plugin is a package: built, installed and found by Airflow without a plugins folder."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[2] / "plugins"
FOUND = """
from airflow import plugins_manager
found = {one.name: one for one in plugins_manager._get_plugins()[0]}
print(found["secateur"].source, [v["url_route"] for v in found["secateur"].external_views])
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(
        PLUGINS, folder / "plugins", ignore=shutil.ignore_patterns("__pycache__", "build", "*.egg*")
    )
    command = ["pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(folder)]
    subprocess.run([sys.executable, "-m", *command, str(folder / "plugins")], check=True)
    (found,) = folder.glob("secateur_airflow-*.whl")
    return found


def test_the_wheel_has_every_module_and_no_other_package(wheel: Path) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".py")}
    assert names == {str(path.relative_to(PLUGINS)) for path in PLUGINS.rglob("*.py")}


def test_airflow_finds_the_plugin_by_its_entry_point(wheel: Path, tmp_path: Path) -> None:
    """Installed beside Airflow, with an empty plugins folder: no module comes from the checkout."""
    installed = tmp_path / "installed"
    command = ["pip", "install", "-q", "--no-deps", "--no-compile", "--target", str(installed)]
    subprocess.run([sys.executable, "-m", *command, str(wheel)], check=True)
    (tmp_path / "plugins").mkdir()
    environment = {
        **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(tmp_path / "plugins"),
        "PYTHONPATH": str(installed),
    }
    done = subprocess.run(
        [sys.executable, "-c", FOUND],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    last = done.stdout.strip().splitlines()[-1]
    assert "secateur-airflow==0.1.0" in last
    assert "EntryPoint" in last
    assert "night-report" in last
