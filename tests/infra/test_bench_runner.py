"""Every benchmark is run by the one runner, and none imports another."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench import runner
from bench.runner import MODULES, RESULTS, Benchmark

PROJECT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", MODULES)
def test_a_benchmark_imports_no_other(name: str) -> None:
    spec = find_spec(MODULES[name])
    assert spec is not None
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text())
    found = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert "bench.runner" in found
    assert not found & set(MODULES.values())


@pytest.mark.parametrize("name", MODULES)
def test_a_benchmark_says_what_it_measures(name: str) -> None:
    benchmark = import_module(MODULES[name]).BENCHMARK
    assert isinstance(benchmark, Benchmark)
    assert benchmark.title


def test_every_page_is_of_a_benchmark() -> None:
    pages = {str(page.relative_to(RESULTS).with_suffix("")) for page in RESULTS.rglob("*.md")}
    by_flag = {"pruning/frappe", "pruning/short_video", "pruning/zipf", "short_video"}
    assert pages - by_flag <= set(MODULES)


def test_the_head_tells_the_command_and_nobodys_folders() -> None:
    title, command, machine = runner.head("T", ["pruning", "--frappe", "/home/me/frappe", "--n=3"])
    assert title == "# T\n"
    assert command == "Command: `python -m bench pruning --frappe FOLDER --n=3`  "
    assert "cores" in machine


def test_a_page_is_written_where_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tiny.py").write_text(
        "from bench.runner import Benchmark, seeds_of\n"
        "BENCHMARK = Benchmark('Tiny', lambda asked: (f'seed {s}' for s in seeds_of(asked)),"
        " lambda _: 'tiny', seeds=3)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(MODULES, "tiny", "tiny")
    runner.main(["tiny", "--seeds", "2", "--output", str(tmp_path / "page.md")])
    lines = (tmp_path / "page.md").read_text().splitlines()
    assert lines[0] == "# Tiny"
    assert lines[-2:] == ["seed 1", "seed 2"]


def test_an_unknown_benchmark_is_answered_by_the_names_of_all() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "speed"],
        cwd=PROJECT / "infra",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert all(name in done.stderr for name in MODULES)


def test_a_line_is_printed_before_the_next_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = []

    def figures(_: runner.Asked) -> Iterator[str]:
        yield "first"
        printed.append(capsys.readouterr().out)

    benchmark = Benchmark("Slow", figures, lambda _: "slow")
    monkeypatch.setitem(sys.modules, "slow", SimpleNamespace(BENCHMARK=benchmark))  # type: ignore[arg-type]
    monkeypatch.setitem(MODULES, "slow", "slow")
    runner.main(["slow", "--output", str(tmp_path / "page.md")])
    assert "first" in printed[0]
