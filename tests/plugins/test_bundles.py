"""Verbs, scenarios and pod templates may lie in the DAG's bundle: a run's version pins them all."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
SAYS = """
from airflow.dag_processing.dagbag import BundleDagBag
from pathlib import Path
import sys
root = Path(sys.argv[1])
bag = BundleDagBag(root / "nightly.py", bundle_path=root, bundle_name="b")
assert not bag.import_errors, bag.import_errors
train = bag.dags["secateur_short_video"].get_task("train_model")
from secateur_airflow import settings
said = train.doc_md.splitlines()[0]
print(settings.jobs(), train.verb.scenario, train.pod_template_file, said, sep="|")
"""


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A version of a repository, whose `dags` folder is the bundle; its trainer says what it is."""
    for folder in ("dags", "jobs/scenarios", "infra/kubernetes"):
        shutil.copytree(PROJECT / folder, tmp_path / folder)
    (tmp_path / "jobs" / "train_model.py").write_text('"""The trainer of this very version."""')
    return tmp_path / "dags"


def test_a_relative_folder_is_that_of_the_bundles_version(bundle: Path) -> None:
    environment = {
        **os.environ,
        "AIRFLOW__SECATEUR__JOBS": "../jobs",
        "AIRFLOW__SECATEUR__GPU": "pod",
        "AIRFLOW__SECATEUR__PODS": "../infra/kubernetes/pods",
        "AIRFLOW_HOME": str(bundle.parent),
        "PYTHONPATH": str(PROJECT / "plugins"),
    }
    command = [sys.executable, "-c", SAYS, str(bundle)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    root = bundle.parent
    assert done.stdout.strip().splitlines()[-1].split("|") == [
        str(root / "jobs"),
        str(root / "jobs" / "scenarios" / "short_video.toml"),
        str(root / "infra" / "kubernetes" / "pods" / "gpu.yaml"),
        "The trainer of this very version.",
    ]
