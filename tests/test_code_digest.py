"""What a verb kept is thrown away when code that it imports changes, and only then."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from secateur.code_digest import JOBS, code_digest, code_files

VERBS = sorted(path.stem for path in JOBS.glob("*.py"))

# Prints the files below `jobs` that Python itself ran to import a verb.
LOADED = """
import importlib, pathlib, sys
jobs = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(jobs))
importlib.import_module(sys.argv[2])
for module in list(sys.modules.values()):
    file = getattr(module, "__file__", None)
    if file and pathlib.Path(file).is_relative_to(jobs):
        print(pathlib.Path(file).relative_to(jobs))
"""


@pytest.fixture
def jobs(tmp_path: Path) -> Path:
    """A copy of the whole tree, to be changed."""
    copy = tmp_path / "jobs"
    shutil.copytree(JOBS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def digest_after(jobs: Path, verb: str, file: str, more: str) -> tuple[str, str]:
    """The verb's digest before and after a line is added to the last file of a pattern."""
    before = code_digest(verb, jobs)
    (path,) = sorted(jobs.glob(file))[-1:]
    path.write_text(path.read_text() + more)
    code_digest.cache_clear()
    return before, code_digest(verb, jobs)


@pytest.mark.parametrize(
    ("verb", "file"),
    [
        ("clean_events", "secateur/report/*.py"),
        ("clean_events", "secateur/features/*.py"),
        ("clean_events", "secateur/releases/*.py"),
        ("clean_events", "train_model.py"),
        ("clean_events", "scenarios/short_video.toml"),
        ("build_features", "secateur/events/*.py"),
        ("train_model", "secateur/pruning/*/*.py"),
        ("train_model", "secateur/report/templates/*.j2"),
        ("report_night", "secateur/serving/*.py"),
    ],
)
def test_a_change_elsewhere_leaves_the_digest_as_it_is(jobs: Path, verb: str, file: str) -> None:
    before, after = digest_after(jobs, verb, file, "\n# a comment\n")
    assert after == before


@pytest.mark.parametrize(
    ("verb", "file"),
    [
        ("clean_events", "clean_events.py"),
        ("clean_events", "secateur/events/columns/keyed_hash.py"),  # which other modules import
        ("clean_events", "secateur/storage/s3.py"),  # within a function
        ("clean_events", "secateur/__init__.py"),  # as the package above
        ("build_features", "secateur/features/building.py"),
        ("validate_events", "secateur/contracts/record.py"),
        ("report_night", "secateur/report/templates/*.j2"),
    ],
)
def test_a_change_in_what_is_imported_changes_the_digest(jobs: Path, verb: str, file: str) -> None:
    before, after = digest_after(jobs, verb, file, "\n# a comment\n")
    assert after != before


def test_a_new_import_within_a_function_counts(jobs: Path) -> None:
    extra = jobs / "secateur" / "extra.py"
    extra.write_text('"""Nobody imports this."""\n')
    assert extra not in code_files("clean_events", jobs)
    with (jobs / "secateur/events/cleaning.py").open("a") as file:
        file.write("\n\ndef late() -> None:\n    from secateur import extra\n")
    assert extra in code_files("clean_events", jobs)


def test_the_style_sheet_of_data_docs_counts_for_their_verbs() -> None:
    (sheet,) = (JOBS / "secateur/validation").glob("*.css")
    assert sheet in code_files("validate_events")
    assert sheet not in code_files("clean_events")


def test_two_copies_of_a_tree_have_one_digest(jobs: Path) -> None:
    assert code_digest("clean_events", jobs) == code_digest("clean_events")


@pytest.mark.parametrize("verb", ["clean_events", "judge_candidates", "publish_release"])
def test_no_module_that_python_loads_is_missed(verb: str) -> None:
    command = [sys.executable, "-c", LOADED, str(JOBS), verb]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = {JOBS / line for line in done.stdout.splitlines()}
    assert len(loaded) > 10
    assert loaded <= set(code_files(verb))


@pytest.mark.parametrize("verb", VERBS)
def test_the_client_counts_for_the_verbs_that_score(verb: str) -> None:
    rooms = {path.relative_to(JOBS).parts[1] for path in code_files(verb) if path.parent != JOBS}
    assert "contracts" in rooms
    scoring = {"prune_model", "evaluate_package"}
    # A publisher's canary scores before a channel moves.
    publishing = {"publish_release", "publish_snapshot", "republish_release", "roll_back"}
    of_channels = {"hold_channel", "renew_channel"}
    assert ("serving" in rooms) == (verb in scoring | publishing | of_channels)
