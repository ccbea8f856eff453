"""What all guides promise: links that lead somewhere, names that exist, variables that are read."""

import re
from pathlib import Path

import pytest

from .pages import GUIDES, PROJECT, links

PACKAGE = PROJECT / "jobs" / "secateur"
PAGES = [*sorted(GUIDES.glob("*.md")), PROJECT / "README.md", PROJECT / "CONTRIBUTING.md"]
VERBS = {path.stem for path in (PROJECT / "jobs").glob("*.py")}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_leads_to_a_file_of_the_checkout(page: Path) -> None:
    local = [link.partition("#")[0] for link in links(page) if "://" not in link]
    lost = [link for link in local if link and not (page.parent / link).exists()]
    assert lost == []


def test_the_readme_is_short_and_leads_to_every_guide() -> None:
    readme = PROJECT / "README.md"
    assert len(readme.read_text().splitlines()) <= 150
    led_to = {Path(link).name for link in links(readme)}
    assert {page.name for page in GUIDES.glob("*.md")} <= led_to


WRITTEN = [
    *PAGES,
    *sorted(PROJECT.glob("infra/*.md")),
    *sorted(PROJECT.glob("infra/decisions/*.md")),
]
ROOTS = (PROJECT, PACKAGE, PROJECT / "jobs", PROJECT / "infra", PROJECT / "plugins")


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.stem)
def test_every_module_that_is_named_exists(page: Path) -> None:
    named = re.findall(r"`(\w[\w/]*\.py)`", page.read_text())
    assert (
        sorted(name for name in named if not any((root / name).is_file() for root in ROOTS)) == []
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_verb_that_is_called_exists(page: Path) -> None:
    called = set(re.findall(r"jobs/(\w+)\.py", page.read_text()))
    assert called <= VERBS


def test_every_question_of_the_architecture_has_its_file() -> None:
    page = (GUIDES / "architecture.md").read_text().partition("## Ten questions")[2]
    answers = re.findall(r"^\| .+\? \| `([^`]+)` \|$", page, re.MULTILINE)
    assert len(answers) == 10
    assert [path for path in answers if not (PACKAGE / path).is_file()] == []


def test_the_architecture_lists_every_room_and_module() -> None:
    page = (GUIDES / "architecture.md").read_text()
    names = {f"{path.name}/" if path.is_dir() else path.name for path in PACKAGE.iterdir()}
    names -= {"__init__.py", "__pycache__/", "py.typed"}
    assert sorted(name for name in names if f"`{name}`" not in page) == []


def test_every_red_task_of_a_night_is_explained() -> None:
    dag = (PROJECT / "dags" / "nightly.py").read_text()
    tasks = set(re.findall(r'night\.task\(\s*"(\w+)"', dag)) | {"package_dense"}
    page = (GUIDES / "operate.md").read_text()
    assert len(tasks) > 10
    assert sorted(task for task in tasks if f"`{task}" not in page) == []


def sources(*patterns: str) -> str:
    """The text of all files of these patterns, one after another."""
    files = (path for pattern in patterns for path in sorted(PROJECT.glob(pattern)))
    return "\n".join(path.read_text() for path in files)


def test_the_table_of_variables_is_what_the_code_reads() -> None:
    code = sources("jobs/**/*.py", "plugins/**/*.py", "infra/**/*.py", "infra/bootstrap.sh")
    read = set(re.findall(r"\bSECATEUR_[A-Z]+(?:_[A-Z]+)*\b", code))
    keys = set(re.findall(r"\bread\([\"'](\w+)[\"'],", sources("plugins/**/*.py")))
    kinds = ("cpu", "spark", "gpu", "measure")
    keys |= {f"{kind}_{what}" for kind in kinds for what in ("queue", "hours")} | set(kinds)
    read |= {f"AIRFLOW__SECATEUR__{key.upper()}" for key in keys}
    table = (GUIDES / "deploy.md").read_text().partition("## Every variable")[2]
    told = set(re.findall(r"\b(?:AIRFLOW__)?SECATEUR_\w+", table))
    told |= {
        f"AIRFLOW__SECATEUR__{name}" for name in re.findall(r"`([A-Z]+_(?:QUEUE|HOURS))`", table)
    }
    assert len(keys) > 10
    assert read ^ told == set()
