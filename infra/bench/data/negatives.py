"""Drawn negatives: what they tell of the label, and what a model makes of it.

Two logs that hold positives only: Online Retail, which is bundled, and the clicks of the planted
news site, whose articles live for hours and whose best possible AUC is known. Each is cleaned by
two rules. "Days before" draws from the days before the event's, never what the user took in the
whole window, and keeps every positive as a row. "Live" is the scenario's own rule.
"""

import argparse
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bench.data.news_log import write_clicks
from bench.data.news_truth import best_auc
from bench.data.news_world import World
from bench.processes import ID_KEY, VerbRunner
from bench.runner import Asked, Benchmark
from secateur import identity
from secateur.artifacts import Artifact, create, open_artifact
from secateur.contracts.artifact_files import COUNTS, DAY_FOLDER, EVENTS, REPORT, SCHEMA
from secateur.contracts.data import (
    HISTORY_ONLY,
    CleaningCounts,
    DrawnCounts,
    RowCounts,
    ValidationReport,
)
from secateur.contracts.features import FeatureSchema
from secateur.events.negatives.candidates import DrawingRule
from secateur.events.negatives.label_rates import count_rows
from secateur.model.architectures.registry import new_model
from secateur.model.data.batches import load_split
from secateur.model.training.holdout import predict
from secateur.model.training.metrics import logit_auc
from secateur.model.training.train import train
from secateur.model.training.training_context import TrainingContext, best_device
from secateur.scenario import PurchaseLabel, Scenario, load_scenario
from secateur.spark import read_parquet, session

CLICKS = str(Path(__file__).with_name("news_clicks.toml"))
DAYS_BEFORE = (
    "label.negatives.freshness=day",
    "label.negatives.exclude=window",
    "label.negatives.live_hours=672",
)
# Each reader clicks often enough for its taste to be learned.
WORLD = World(readers=100, articles_a_day=250)
UNBOUNDED = ("label.negatives.max_undrawable=1", "label.negatives.max_odds_ratio=1e9")
NOTES = """
An item's age is the time since its first positive in the window. Of a rule's rows, "undrawable" are
the positives that could not have been drawn as negatives at their own moment: by the days before
they are rows all the same, by the other rule they enter histories and counters alone. The AUC is
that of a model trained as the scenario says, on the confirm days' rows of its own rule: two rules
have different negatives, so two AUCs of one log are no race. What counts is that the rows of the
first can be told by what no service could use. The planted log's best possible AUC is that of the
odds that its readers' planted tastes give, which no model can beat but by luck.
"""


@dataclass(frozen=True)
class Case:
    """A log under one rule, below a folder of its own."""

    name: str
    scenario: str
    folder: Path
    settings: tuple[str, ...]
    keeps_all: bool = False

    @property
    def verbs(self) -> VerbRunner:
        """Runs its verbs."""
        return VerbRunner(self.scenario, self.folder, self.settings)

    def sections(self) -> Scenario:
        """Its scenario."""
        return load_scenario(self.scenario, self.settings)


def figures(asked: Asked) -> Iterator[str]:
    """A section a log, a table a question, a column a rule."""
    write_clicks(WORLD, asked.clicks, asked.folder / "clicks")
    clicks = (f"logs.uri={asked.folder / 'clicks'}",)
    for title, name, own in (
        ("Online Retail", "ecommerce", ()),
        ("The planted news site's clicks", CLICKS, clicks),
    ):
        yield f"## {title}\n"
        cases = [
            Case(
                "days before", name, asked.folder / f"{title[:6]}-before", own + DAYS_BEFORE, True
            ),
            Case("live", name, asked.folder / f"{title[:6]}-live", own),
        ]
        yield from tables(cases)
    yield NOTES.strip()


def tables(cases: list[Case]) -> Iterator[str]:
    """What was counted of each case, and what a model learned of it."""
    for case in cases:
        case.verbs.seal("clean_events", {}, "drawn")
        seal_rows(case)
    counts = {case.name: drawn_of(case) for case in cases}
    yield f"| | {' | '.join(counts)} |\n|---|{'--:|' * len(counts)}"
    yield line("undrawable", {name: undrawable(found) for name, found in counts.items()})
    yield line("validate_events", {case.name: verdict(case) for case in cases})
    yield from rate_lines({case.name: rows_of(case) for case in cases})
    found = {case.name: confirm_auc(case) for case in cases}
    yield line("AUC, confirm days", {name: f"{area:.4f}" for name, area in found.items()})
    if cases[0].scenario == CLICKS:
        best = {case.name: "" if case.keeps_all else f"{best_of(case):.4f}" for case in cases}
        yield line("best possible AUC, same rows", best)
    yield ""


def line(name: str, values: Mapping[str, str]) -> str:
    """A line of a table."""
    return f"| {name} | {' | '.join(values.values())} |"


def rate_lines(counts: Mapping[str, DrawnCounts]) -> Iterator[str]:
    """Label rates by item age, then the least and the greatest of a day."""
    ages = dict.fromkeys(age for one in counts.values() for age in one.ages)
    for age in ages:
        yield line(
            f"label rate, items {age} old",
            {name: rate(one.ages.get(age, RowCounts(0, 0))) for name, one in counts.items()},
        )
    yield line(
        "label rate by day, least to most",
        {name: span(list(one.days.values())) for name, one in counts.items()},
    )


def rate(counts: RowCounts) -> str:
    """A label rate with its rows."""
    return f"{counts.positives / counts.rows:.3f} of {counts.rows:,}" if counts.rows else "no row"


def span(days: list[RowCounts]) -> str:
    """The least and the greatest label rate."""
    rates = [day.positives / day.rows for day in days if day.rows]
    return f"{min(rates):.3f} to {max(rates):.3f}"


def undrawable(counts: DrawnCounts) -> str:
    """Its share of the positives, by reason."""
    reasons = ", ".join(f"{name} {rows:,}" for name, rows in counts.history_only.items())
    return f"{counts.left_out / counts.positives:.2%} ({reasons})"


def drawn_of(case: Case) -> DrawnCounts:
    """What cleaning counted."""
    return counts_in(open_artifact(str(case.folder / "drawn"), "EventSet"))


def rows_of(case: Case) -> DrawnCounts:
    """What was counted of the rows that are learned from."""
    return counts_in(open_artifact(str(case.folder / "events"), "EventSet"))


def counts_in(events: Artifact) -> DrawnCounts:
    """What was counted of an EventSet where negatives were drawn."""
    found = events.read(COUNTS, CleaningCounts).drawn
    if found is None:
        raise SystemExit(f"no negatives were drawn in {events.folder}")
    return found


def seal_rows(case: Case) -> None:
    """The EventSet to learn from: with every positive as a row, where the rule keeps all."""
    drawn = open_artifact(str(case.folder / "drawn"), "EventSet")
    with create(str(case.folder / "events"), "EventSet") as draft:
        shutil.copytree(drawn.folder, draft.folder, dirs_exist_ok=True)
        (draft.folder / "manifest.json").unlink()
        if case.keeps_all:
            files = sorted(draft.folder.glob(f"{EVENTS}/{DAY_FOLDER}*/*.parquet"))
            for file in files:
                table = pq.ParquetFile(file).read()
                place = table.column_names.index(HISTORY_ONLY)
                nothing = pa.nulls(len(table), pa.string())
                pq.write_table(table.set_column(place, HISTORY_ONLY, nothing), file)
            loaded = case.sections()
            if not isinstance(loaded.label, PurchaseLabel):
                raise SystemExit(f"{case.scenario} draws no negatives")
            rule = DrawingRule(loaded.logs, loaded.label.negatives)
            counts = drawn.read(COUNTS, CleaningCounts)
            again = count_rows(read_parquet(session(), files), rule)
            draft.write(COUNTS, replace(counts, drawn=again))
        draft.seal(drawn.manifest.made_by, drawn.manifest.made_from, drawn.manifest.facts)


def verdict(case: Case) -> str:
    """What validate_events makes of the rows, with the limits as they are: the suites that fail."""
    judged = case.folder / "judged"
    if not judged.exists():
        case.verbs.run("validate_events", {"events": "events"}, "judged", accepted=(0, 65))
    report = open_artifact(str(judged), "ValidationReport").read(REPORT, ValidationReport)
    failed = dict.fromkeys(one.suite for one in report.expectations if not one.success)
    return f"refuses: {', '.join(failed)}" if failed else "passes"


def confirm_auc(case: Case) -> float:
    """AUC on the confirm days of a model that was trained as the scenario says."""
    loose = replace(case, settings=case.settings + UNBOUNDED)
    loose.verbs.seal("validate_events", {"events": "events"}, "report")
    inputs = {"events": "events", "validation": "report"}
    loose.verbs.seal("build_features", inputs, "features")
    features, loaded = open_artifact(str(case.folder / "features"), "FeatureSet"), case.sections()
    rows = {name: load_split(features, name) for name in ("train", "tune", "confirm")}
    model = new_model(features.read(SCHEMA, FeatureSchema), loaded.training, loaded.seed)
    context = TrainingContext(loaded.training, loaded.seed, best_device())
    train(model, rows["train"], rows["tune"], context)
    return logit_auc(predict(model, rows["confirm"].inputs), rows["confirm"].labels)


def best_of(case: Case) -> float:
    """The best AUC that any model could have on the confirm days' rows of the planted log."""
    label = case.sections().label
    if not isinstance(label, PurchaseLabel):
        raise SystemExit(f"{case.scenario} draws no negatives")
    features = open_artifact(str(case.folder / "features"), "FeatureSet")
    days = features.manifest.facts["days"]["confirm"]
    events = open_artifact(str(case.folder / "events"), "EventSet")
    key = ID_KEY[identity.ID_KEY].encode()
    return best_auc(events, days, label.negatives, WORLD, key)


def add_flags(flags: argparse.ArgumentParser) -> None:
    """How many clicks the planted log has."""
    flags.add_argument("--clicks", type=int, default=60_000, metavar="N")


BENCHMARK = Benchmark(
    title="Drawn negatives: what they tell of the label",
    figures=figures,
    page=lambda _asked: "negatives",
    add_flags=add_flags,
)
