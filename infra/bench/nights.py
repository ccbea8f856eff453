"""Night after night on KuaiRand: warm starts beside cold ones, and masks that move or stay.

    python infra/bench/nights.py [--folder FOLDER] [--seeds 3] [--output PAGE]

Six nights of the short video scenario, a day apart, each with a window of 9 days of the bundled
log: 5 to train on, 2 to tune, whose rows come after all that was trained on and on which all AUC
here is. What lies in the folder is not built again.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean

import torch

from accept_night import keep
from run import machine
from secateur import scenario
from secateur.accepted import left_by_model
from secateur.artifacts import Artifact, open_artifact
from secateur.command import Job
from secateur.contracts.candidates import Recipe, Step
from secateur.model.architectures.recommender import Recommender
from secateur.model.bundle import load_bundle
from secateur.model.data.batches import Split, load_split
from secateur.model.data.inputs import Inputs
from secateur.model.training.holdout import predict
from secateur.model.training.metrics import logit_auc
from secateur.pruning.apply_recipe import Workshop, carry_out, furnish
from secateur.pruning.cuts.masking import living
from secateur.pruning.nightly.hysteresis import Cut, Steady, overlaps
from secateur.scenario.sections.repruning import Repruning
from verbs import seal

DAYS = tuple(f"2022-05-{day:02d}" for day in range(3, 9))
SEEDS_FROM = 20220508
STARTS = ("cold", "warm")
# The scenario's, but of three days: what a warm start reads must mean the same every night.
_COUNTED = 'freshness = "day", prior_rate = 0.31, window_days = 3'
COUNTERS = "features.counters=[{}]".format(
    ", ".join(
        f'{{keys = ["{key}"], owner = "{owner}", {_COUNTED}}}'
        for key, owner in (("user_id", "user"), ("video_id", "item"), ("author_id", "item"))
    )
)

STATIC = Repruning(decay=0, hysteresis=0, max_churn=0, max_loss=1)
ANEW = Repruning(decay=0, hysteresis=0, max_churn=1)
HELD = Repruning()
NEURONS = Step("neuron", "contribution", keep=0.1)
ZEROS = Step("weight", "magnitude", keep=0.1, allocation="erk")
RIGL = replace(ZEROS, schedule="rigl", rounds=4)
FIELDS = Step("field", "field_score", keep=0.35)
REPAIR = 0.25


@dataclass(frozen=True)
class Way:
    """One way to go through the nights with a step; where `first`, all hold to the first night."""

    name: str
    step: Step
    wanted: Repruning
    first: bool = False


STEPS = (("neurons", NEURONS), ("weights", ZEROS), ("fields", FIELDS))
WAYS = (
    *(Way(f"{name}, masks of the first night", step, STATIC, first=True) for name, step in STEPS),
    *(Way(f"{name}, cut anew every night", step, ANEW) for name, step in STEPS),
    *(Way(f"{name}, held to the night before", step, HELD) for name, step in STEPS),
    Way("weights, RigL from last night's masks", RIGL, STATIC),
)


def main() -> None:
    """Build, train, prune, and write the page."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--folder", type=Path, default=None)
    flags.add_argument("--seeds", type=int, default=3)
    flags.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".md"))
    asked = flags.parse_args()
    with tempfile.TemporaryDirectory(prefix="secateur-bench-") as temporary:
        lines = []
        for line in page(asked.folder or Path(temporary), asked.seeds):
            print(line, flush=True)  # noqa: T201
            lines.append(line)
    asked.output.write_text("\n".join(lines) + "\n")


def page(folder: Path, seeds: int) -> Iterator[str]:
    """The page's lines, as they are measured."""
    yield "# Night after night on KuaiRand\n"
    yield "Command: `make bench-nights`  "
    yield f"Machine: {machine()}; {seeds} seeds, {len(DAYS)} nights\n"
    chains = [Chain(folder, SEEDS_FROM + seed) for seed in range(seeds)]
    yield from starts(chains)
    yield from masks([chain.nights() for chain in chains])


@dataclass(frozen=True, eq=False)
class Night:
    """A dense model, what prunes it, and the rows that come after it."""

    dense: Recommender
    workshop: Workshop
    rows: Split


class Chain:
    """The nights with one seed: their FeatureSets, and dense models, cold and warm."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.seed = folder, seed
        self.features = [self._built(day) for day in DAYS]
        self.tune = [load_split(one, "tune") for one in self.features]
        self.trained = {
            start: [self._trained(i, start) for i in range(len(DAYS))] for start in STARTS
        }

    def nights(self) -> list[Night]:
        """The nights with their warm dense models."""
        training = scenario.load("short_video").training
        return [
            Night(load_bundle(bundle), furnish(features, training, self.seed), rows)
            for (bundle, _), features, rows in zip(
                self.trained["warm"], self.features, self.tune, strict=True
            )
        ]

    def _built(self, day: str) -> Artifact:
        events, report = f"{day}/events", f"{day}/report"
        self._verb("clean_events", day, events, state="state")
        self._verb("validate_events", day, report, events=events)
        features = f"{day}/features"
        self._verb("build_features", day, features, events=events, validation=report, state="state")
        self._verb("validate_features", day, f"{day}/features_report", features=features)
        return open_artifact(str(self.folder / features), "FeatureSet")

    def _trained(self, number: int, start: str) -> tuple[Artifact, float]:
        """A bundle, accepted at once, and the seconds that its training took."""
        day, state = DAYS[number], f"{self.seed}/state"
        place = f"{self.seed}/{start}/{day}"
        settings = [f"training.start={start}", f"seed={self.seed}"]
        taken = self.folder / f"{place}.seconds"
        began = time.monotonic()
        self._verb(
            *("train_model", day, place),
            *settings,
            features=f"{day}/features",
            validation=f"{day}/features_report",
            state=state,
        )
        if not taken.exists():
            taken.write_text(str(time.monotonic() - began))
        bundle = open_artifact(str(self.folder / place), "ModelBundle")
        job = {"state": str(self.folder / state), "output": ""}
        keep(Job("accept_night", scenario.load("short_video"), job), left_by_model(bundle))
        return bundle, float(taken.read_text())

    def _verb(self, verb: str, day: str, output: str, *settings: str, **inputs: str) -> None:
        every = ("logs.window_days=9", f"logs.last_day={day}", COUNTERS, *settings)
        seal(verb, self.folder, output, inputs, every)


def starts(chains: Sequence[Chain]) -> Iterator[str]:
    """Cold and warm trainings of every night."""
    yield "## A warm start learns the new day alone\n"
    yield "Seconds are those of the whole verb, process and all.\n"
    yield "| night | AUC cold | AUC warm | warm minus cold, each seed | s cold | s warm |"
    yield "|---|--:|--:|---|--:|--:|"
    for number, day in enumerate(DAYS):
        found = {s: [chain.trained[s][number] for chain in chains] for s in STARTS}
        areas = {
            s: [
                area(load_bundle(b), c.tune[number].inputs, c.tune[number])
                for (b, _), c in zip(found[s], chains, strict=True)
            ]
            for s in STARTS
        }
        gains = [w - c for c, w in zip(areas["cold"], areas["warm"], strict=True)]
        seconds = {s: mean(taken for _, taken in found[s]) for s in STARTS}
        yield (
            f"| {day} | {mean(areas['cold']):.4f} | {mean(areas['warm']):.4f} | "
            f"{', '.join(f'{gain:+.4f}' for gain in gains)} | "
            f"{seconds['cold']:.1f} | {seconds['warm']:.1f} |"
        )
    yield "\nThe first night has no master: its start is cold either way.\n"


def masks(chains: Sequence[Sequence[Night]]) -> Iterator[str]:
    """Every way through the nights of every seed."""
    yield "## Masks that stay and masks that move\n"
    yield f"Cut from the warm dense model of the night, repaired for {REPAIR} epochs. The first"
    yield "night is the same for all ways of a step and is not counted. Of neurons and weights 10 %"
    yield f"stay, of fields {FIELDS.keep:.0%}. Kept: units kept in two nights running, of those in"
    yield "either.\n"
    yield "| way | AUC minus dense, mean | each night | each seed | kept |"
    yield "|---|--:|---|---|--:|"
    for way in WAYS:
        runs = [followed(way, nights) for nights in chains]
        lost = torch.tensor([[lost for lost, _ in run] for run in runs])
        kept = mean(share for run in runs for _, share in run)
        nights, seeds = (", ".join(f"{x:+.4f}" for x in lost.mean(at).tolist()) for at in (0, 1))
        yield f"| {way.name} | {lost.mean():+.4f} | {nights} | {seeds} | {kept:.1%} |"


def followed(way: Way, nights: Sequence[Night]) -> list[tuple[float, float]]:
    """For each night after the first, AUC minus that of the dense model, and the share kept."""
    found: list[tuple[float, float]] = []
    before: Mapping[int, Cut] = {}
    for night in nights:
        dense, rows = night.dense, night.rows
        steady = Steady(way.wanted if before else ANEW, dense.spec, before)
        recipe = Recipe("r", (way.step,), REPAIR)
        pruned = carry_out(recipe, dense, night.workshop, steady)
        now = {n: ended(cut, pruned.model) for n, cut in steady.cuts.items()}
        if before:
            left = pruned.inputs(rows.inputs, dense.spec)
            lost = area(pruned.model, left, rows) - area(dense, rows.inputs, rows)
            found.append((lost, next(iter(overlaps(before, now).values()))))
        before = before if way.first and before else now
    return found


def ended(cut: Cut, model: Recommender) -> Cut:
    """A cut as the recipe left it: of weights those that live in the end."""
    return replace(cut, kept=tuple(living(model))) if cut.granularity == "weight" else cut


def area(model: Recommender, inputs: Inputs, rows: Split) -> float:
    """AUC of a model on rows, given what it reads of them."""
    return logit_auc(predict(model, inputs), rows.labels)


if __name__ == "__main__":
    main()
