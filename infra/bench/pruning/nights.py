"""Night after night on KuaiRand: warm starts beside cold ones, and masks that move or stay.

Six nights of the short video scenario, a day apart, each with a window of 9 days of the bundled
log: 5 to train on, 2 to tune, whose rows come after all that was trained on and on which all AUC
here is. What lies in `--folder` is not made again.
"""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import mean

from bench.pruning.mask_ways import Night, auc_on, mask_table
from bench.pruning.warm_nights import SCENARIO, WarmNights
from bench.runner import Asked, Benchmark, seeds_of
from secateur import scenario
from secateur.artifacts import Artifact
from secateur.model.bundle import load_bundle
from secateur.model.data.batches import load_split
from secateur.pruning.recipes.pruning_context import PruningContext

DAYS = tuple(f"2022-05-{day:02d}" for day in range(3, 9))
FIRST_SEED = 20220508
STARTS = ("cold", "warm")
WINDOW_DAYS = 9


def figures(asked: Asked) -> Iterator[str]:
    """Both tables."""
    chains = [Chain(asked.folder, FIRST_SEED + seed - 1) for seed in seeds_of(asked)]
    yield from start_table(chains)
    yield from mask_table([chain.nights() for chain in chains])


class Chain:
    """The nights with one seed: their FeatureSets, and dense models, cold and warm."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.seed = folder, seed
        self.runner = WarmNights(folder, WINDOW_DAYS)
        self.features = [self.runner.build_features(day) for day in DAYS]
        self.tune = [load_split(features, "tune") for features in self.features]
        # By start and night: the bundle, and the seconds that its training took.
        self.trained = {start: [self._train(day, start) for day in DAYS] for start in STARTS}

    def nights(self) -> list[Night]:
        """The nights with their warm dense models."""
        training = scenario.load_scenario(SCENARIO).training
        return [
            Night(load_bundle(bundle), PruningContext.load(features, training, self.seed), rows)
            for (bundle, _), features, rows in zip(
                self.trained["warm"], self.features, self.tune, strict=True
            )
        ]

    def auc(self, start: str, night: int) -> float:
        """AUC of a night's dense model on its tune days."""
        bundle, _ = self.trained[start][night]
        return auc_on(load_bundle(bundle), self.tune[night].inputs, self.tune[night])

    def _train(self, day: str, start: str) -> tuple[Artifact, float]:
        """Train a night's dense model, and accept it at once: the next night may start from it."""
        output = f"{self.seed}/{start}/{day}"
        measured = self.folder / f"{output}.seconds"
        began = time.monotonic()
        settings = (f"training.start={start}", f"seed={self.seed}")
        bundle = self.runner.train(day, f"{self.seed}/state", output, settings)
        if not measured.exists():
            measured.write_text(str(time.monotonic() - began))
        return bundle, float(measured.read_text())


def start_table(chains: Sequence[Chain]) -> Iterator[str]:
    """Cold and warm trainings of every night."""
    yield "## A warm start learns the new day alone\n"
    yield "Seconds are those of the whole verb, process and all.\n"
    yield "| night | AUC cold | AUC warm | warm minus cold, each seed | s cold | s warm |"
    yield "|---|--:|--:|---|--:|--:|"
    for night, day in enumerate(DAYS):
        auc = {start: [chain.auc(start, night) for chain in chains] for start in STARTS}
        seconds = {s: mean(chain.trained[s][night][1] for chain in chains) for s in STARTS}
        gains = [w - c for c, w in zip(auc["cold"], auc["warm"], strict=True)]
        yield (
            f"| {day} | {mean(auc['cold']):.4f} | {mean(auc['warm']):.4f} | "
            f"{', '.join(f'{gain:+.4f}' for gain in gains)} | "
            f"{seconds['cold']:.1f} | {seconds['warm']:.1f} |"
        )
    yield "\nThe first night has no model to start from: it is cold either way.\n"


BENCHMARK = Benchmark(
    title="Night after night on KuaiRand",
    figures=figures,
    page=lambda _asked: "nights",
    seeds=3,
)
