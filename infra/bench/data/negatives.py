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
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bench.data.news_log import write_clicks
from bench.data.news_truth import best_auc
from bench.data.news_world import LIFE_HOURS, World
from bench.processes import ID_KEY, VerbRunner
from bench.runner import Asked, Benchmark
from secateur import identity
from secateur.artifacts import Artifact, create, open_artifact
from secateur.contracts.artifact_files import COUNTS, DAY_FOLDER, EVENTS, REPORT, SCHEMA
from secateur.contracts.data import (
    AGES,
    HISTORY_ONLY,
    CleaningCounts,
    DrawnCounts,
    RowCounts,
    ValidationReport,
)
from secateur.contracts.features import HELD_OUT, FeatureSchema
from secateur.contracts.manifest import MANIFEST
from secateur.events.negatives.candidates import DrawingRule
from secateur.events.negatives.label_rates import count_rows
from secateur.model.architectures.registry import new_model
from secateur.model.data.batches import load_split
from secateur.model.data.streaming import open_stream
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
# Each reader clicks often enough for its taste to be learned, and has read a quarter of what there
# is; of an article's clicks the first alone cannot be drawn.
WORLD, COUNT = World(readers=120, articles_a_day=500, spread=0.3), 150_000
UNBOUNDED = ("label.negatives.max_undrawable=1", "label.negatives.max_odds_ratio=1e9")
SITE = f"""{WORLD.readers} readers, {WORLD.articles_a_day} new articles a day that live for
{LIFE_HOURS} hours, {COUNT:,} clicks in {WORLD.days} days."""
NOTES = """
An item's age is the time since its first positive in the window. Of a rule's rows, "undrawable" are
the positives that could not have been drawn as negatives at their own moment: by the days before
they are rows all the same, by the other rule they enter histories and counters alone. The AUC is
that of a model trained as the scenario says, on the held-out days' rows of its own rule: two rules
have different negatives, so two AUCs of one log are no race. What counts is that the rows of the
first can be told by what no service could use. A planted log's best possible AUC is that of the
odds that its readers' planted tastes give, on the very rows that the model is measured on; none can
beat it but by luck.

How near a model comes is decided by how much the log tells of each reader. An earlier, sparser
world (100 readers of very unequal habits, 250 articles a day, 60,000 clicks; commit b149646) left
13.08 % of the clicks undrawable and the model at 0.7762 where 0.8042 was possible: most readers
had clicked some hundred times, too few for their tastes of eight categories, and the busiest had
read all there was, so that nothing was left to draw. Today's readers click about as often as each
other, some 1,250 times, and have read a quarter of what there is.
"""


@dataclass(frozen=True)
class Case:
    """A log under one rule, below a folder of its own; `world` is what was planted in it."""

    name: str
    scenario: str
    folder: Path
    settings: tuple[str, ...] = ()
    keeps_all: bool = False
    world: World | None = None

    @property
    def verbs(self) -> VerbRunner:
        """Runs its verbs."""
        return VerbRunner(self.scenario, self.folder, self.settings)

    def sections(self) -> Scenario:
        """Its scenario."""
        return load_scenario(self.scenario, self.settings)

    def before(self) -> "Case":
        """The same log by the older rule."""
        folder = self.folder.with_name(f"{self.folder.name}-before")
        settings = self.settings + DAYS_BEFORE
        return replace(self, name="days before", folder=folder, settings=settings, keeps_all=True)


def figures(asked: Asked) -> Iterator[str]:
    """A section a log, a table of questions with a column a rule, and the planted worlds."""
    yield "## Online Retail\n"
    retail = Case("live", "ecommerce", asked.folder / "retail")
    yield from tables([retail.before(), retail])
    yield from auc_lines([retail.before(), retail])
    yield f"\n## The planted news site's clicks\n\n{SITE}\n"
    worlds = [replace(WORLD, seed=WORLD.seed + n) for n in range(asked.seeds)]
    planted = [planted_case(asked.folder, world, asked.clicks) for world in worlds]
    yield from tables([planted[0].before(), planted[0]])
    yield "\n### What a model of the live rule's rows is worth\n"
    yield from lines_of_worlds(planted)
    yield NOTES.strip()


def planted_case(folder: Path, world: World, clicks: int) -> Case:
    """The clicks of a world, written unless they are there."""
    log = folder / f"clicks-{world.seed}"
    if not log.exists():
        write_clicks(world, clicks, log)
    place = folder / f"planted-{world.seed}"
    return Case("live", CLICKS, place, (f"logs.uri={log}",), world=world)


def tables(cases: list[Case]) -> Iterator[str]:
    """What was counted of each case, a column each."""
    for case in cases:
        draw(case)
    counts = {case.name: drawn_of(case) for case in cases}
    yield f"| | {' | '.join(counts)} |\n|---|{'--:|' * len(counts)}"
    yield line("positives", {name: f"{found.positives:,}" for name, found in counts.items()})
    yield line("undrawable", {name: undrawable(found) for name, found in counts.items()})
    yield line("validate_events", {case.name: verdict(case) for case in cases})
    yield from rate_lines({case.name: rows_of(case) for case in cases})


def auc_lines(cases: list[Case]) -> Iterator[str]:
    """What models learned of the cases, in the columns of `tables`."""
    for split in HELD_OUT:
        found = {case.name: model_aucs(case)[split] for case in cases}
        yield line(f"AUC, {split} days", {name: f"{area:.4f}" for name, area in found.items()})


def lines_of_worlds(cases: list[Case]) -> Iterator[str]:
    """A line a planted world: the model beside the best there is."""
    yield "| seed | undrawable | days | AUC | best possible | below it |\n|---|--:|---|--:|--:|--:|"
    for case in cases:
        draw(case)
        counts = drawn_of(case)
        share = f"{counts.left_out / counts.positives:.2%}"
        for split, area in model_aucs(case).items():
            best = best_of(case, split)
            seed = case.world.seed if case.world else ""
            yield f"| {seed} | {share} | {split} | {area:.4f} | {best:.4f} | {best - area:.4f} |"
    yield ""


def line(name: str, values: Mapping[str, str]) -> str:
    """A line of a table."""
    return f"| {name} | {' | '.join(values.values())} |"


def rate_lines(counts: Mapping[str, DrawnCounts]) -> Iterator[str]:
    """Label rates by item age, then the least and the greatest of a day."""
    for age in AGES:
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


def draw(case: Case) -> None:
    """Clean the log, and seal the rows to learn from, unless that is done."""
    case.verbs.seal("clean_events", {}, "drawn")
    if not (case.folder / "events" / MANIFEST).exists():
        seal_rows(case)


def seal_rows(case: Case) -> None:
    """The EventSet to learn from: with every positive as a row, where the rule keeps all."""
    drawn = open_artifact(str(case.folder / "drawn"), "EventSet")
    with create(str(case.folder / "events"), "EventSet") as draft:
        shutil.copytree(drawn.folder, draft.folder, dirs_exist_ok=True)
        (draft.folder / MANIFEST).unlink()
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


@cache
def model_aucs(case: Case) -> dict[str, float]:
    """AUC by held-out split of a model that was trained as the scenario says."""
    loose = replace(case, settings=case.settings + UNBOUNDED)
    loose.verbs.seal("validate_events", {"events": "events"}, "report")
    inputs = {"events": "events", "validation": "report"}
    loose.verbs.seal("build_features", inputs, "features")
    features, loaded = open_artifact(str(case.folder / "features"), "FeatureSet"), case.sections()
    learned, holdout = open_stream(features, "train", loaded.training.memory_mb).split_holdout(1)
    model = new_model(features.read(SCHEMA, FeatureSchema), loaded.training, loaded.seed)
    context = TrainingContext(loaded.training, loaded.seed, best_device())
    train(model, learned.read(), holdout.read(), context)
    rows = {name: load_split(features, name) for name in HELD_OUT}
    return {
        name: logit_auc(predict(model, split.inputs), split.labels) or 0.5
        for name, split in rows.items()
    }


def best_of(case: Case, split: str) -> float:
    """The best AUC that any model could have on a split's rows of a planted log."""
    label = case.sections().label
    if not isinstance(label, PurchaseLabel) or case.world is None:
        raise SystemExit(f"{case.scenario} draws no negatives, or nothing is planted in it")
    features = open_artifact(str(case.folder / "features"), "FeatureSet")
    days = features.manifest.facts["days"][split]
    events = open_artifact(str(case.folder / "events"), "EventSet")
    key = ID_KEY[identity.ID_KEY].encode()
    return best_auc(events, days, label.negatives, case.world, key)


def add_flags(flags: argparse.ArgumentParser) -> None:
    """How many clicks a planted log has."""
    flags.add_argument("--clicks", type=int, default=COUNT, metavar="N")


BENCHMARK = Benchmark(
    title="Drawn negatives: what they tell of the label",
    figures=figures,
    page=lambda _asked: "negatives",
    add_flags=add_flags,
    seeds=3,
)
