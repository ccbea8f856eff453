"""Claims about what the page tells of a search and of its targets."""

from collections.abc import Callable
from pathlib import Path

from secateur import artifacts
from secateur.contracts.candidates import Recipe, Step
from secateur.contracts.judgement import Verdict
from secateur.contracts.manifest import MadeBy
from secateur.contracts.pruning import Overlap
from secateur.contracts.releases import PublishReceipt
from secateur.contracts.search import Cost, Outcome, SearchRecord, Trial
from secateur.report.night_artifacts import read_night
from secateur.report.page import render
from secateur.report.search_summary import searches_by_target

SMALL = Recipe("neuron_0.1", (Step("neuron", "l2", keep=0.1),), 0.5)


def trial(target: str, stage: str, seed: int, auc: float, recipe: Recipe = SMALL) -> Trial:
    return Trial(target, stage, recipe, seed, Outcome(0.001, auc, Cost(60_000, 81.0)))


RECORD = SearchRecord(
    0.73,
    (
        trial("scan", "scan", 1, 0.72),
        trial("edge", "rung 0", 1, 0.72),
        trial("edge", "final", 1, 0.728),
        trial("edge", "final", 2, 0.730),
    ),
    out_of_time=True,
)


def test_a_finalist_is_told_by_the_mean_of_its_seeds() -> None:
    scan, edge = searches_by_target(RECORD)
    assert (scan.target, scan.stages, scan.finalists) == ("scan", {"scan": 1}, ())
    assert edge.stages == {"rung 0": 1, "final": 2}
    (only,) = edge.finalists
    assert (only.name, only.seeds) == ("neuron_0.1", 2)
    assert abs(only.difference - -0.001) < 1e-9


def test_the_page_tells_of_search_and_targets(build: Callable[..., object], tmp_path: Path) -> None:
    night = build(tmp_path)
    night.data()  # type: ignore[attr-defined]
    night.training()  # type: ignore[attr-defined]
    night.plan(("edge",), RECORD)  # type: ignore[attr-defined]
    refused = Verdict(False, "none is small enough", None, None, None, None, 0.01, None, None, ())
    accepted = Verdict(True, "edge confirmed", "edge", "p", "d", 9, 0.01, None, None, ())
    receipt = PublishReceipt("short_video", 4, "latest_edge", 2, "c0ffee" + "0" * 58, 60_100)
    for target, verdict in (("edge", accepted), ("tiny", refused)):
        night.seal(f"targets/{target}/verdict", "Verdict", {"verdict.json": verdict})  # type: ignore[attr-defined]
    night.seal("targets/edge/release", "Release", {"receipt.json": receipt})  # type: ignore[attr-defined]
    page = render(read_night(str(tmp_path)), "A night")
    for words in ("ran out of time", "latest_edge, release 4", "not moved", "none is small enough"):
        assert words in page
    assert "1 rung 0, 2 final" in page


def test_a_night_without_a_search_says_nothing_of_one(complete_night: Callable[..., Path]) -> None:
    page = render(read_night(str(complete_night())), "A night")
    assert 'id="search"' not in page
    assert 'id="targets"' not in page


def test_the_page_tells_how_much_is_as_the_night_before(
    complete_night: Callable[..., Path],
) -> None:
    folder = complete_night()
    name = read_night(str(folder)).recipes[0]
    kept = Overlap("2022-05-03", {"embedding_dimension": 1.0, "neuron": 0.91})
    with artifacts.create(f"{folder}/candidates/{name}/bundle", "ModelBundle") as draft:
        draft.write("overlap.json", kept)
        draft.seal(MadeBy("test", "0"), {}, {})
    page = render(read_night(str(folder)), "A night")
    assert "100.0 % of embedding dimensions, 91.0 % of neurons kept as on 2022-05-03" in page
