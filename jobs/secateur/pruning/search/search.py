"""The search for recipes under a budget of bytes, microseconds and minutes.

1. Sensitivity scan: every level of every axis alone, without repair (`sensitivity`).
2. Of all configurations whose predicted cost fits the target, those with the least sum of scanned
   losses: a knapsack, small enough to try every filling.
3. Successive halving (Jamieson & Talwalkar, AISTATS 2016): the better half gets more repair.
4. Two finalists with several seeds; the one with the lower mean loss.
5. Where it loses more AUC than allowed, the axis that promises most is relaxed, level by level.

Controls go with every recipe found (`controls`). They are candidates like any other: where one
wins, it is what is shipped.
"""

import itertools
import math
from collections.abc import Sequence
from statistics import mean

from secateur.contracts.candidates import Recipe
from secateur.contracts.search import Outcome
from secateur.model.training.threads import on_threads
from secateur.pruning.search.controls import controls
from secateur.pruning.search.grid import Configuration
from secateur.pruning.search.sensitivity import SensitivityScan, scan_sensitivity
from secateur.pruning.search.trials import Trials
from secateur.scenario.sections.search import Search, Target

FINALISTS = 2


def search(trials: Trials, settings: Search) -> list[Recipe]:
    """The recipe found for each target, with its controls. All trials are in `trials`."""
    found: list[Recipe] = []
    with on_threads(trials.context.training.threads):
        scan = scan_sensitivity(trials, settings)
        for target in settings.targets:
            configuration = TargetSearch(trials, settings, scan, target).run()
            recipe = configuration.recipe(target.name, settings.repair_epochs)
            found += [recipe, *controls(configuration, target, trials)]
    return found


class TargetSearch:
    """The search for the best configuration that fits one target."""

    def __init__(
        self, trials: Trials, settings: Search, scan: SensitivityScan, target: Target
    ) -> None:
        self.trials, self.settings = trials, settings
        self.scan, self.target = scan, target
        seed = trials.context.seed
        self.seeds = range(seed, seed + settings.seeds)

    def run(self) -> Configuration:
        """Proposals, halving, finalists, and relaxing what loses too much."""
        survivors = self.proposals()
        rungs = math.ceil(math.log2(max(2, len(survivors) / FINALISTS)))
        for rung in range(rungs):
            survivors = self._better_half(survivors, rung, rungs)
        ranked = sorted(
            (mean(o.loss for o in outcomes), place)
            for place, configuration in enumerate(survivors[:FINALISTS])
            if (outcomes := self._try(configuration, "final", self.seeds))
        )
        return self.relax(survivors[ranked[0][1]] if ranked else survivors[0])

    def proposals(self) -> list[Configuration]:
        """The configurations within the target of least expected loss; else the cheapest one."""
        max_bytes = self.target.max_bytes or math.inf
        max_us = self.target.max_us or math.inf
        every = (Configuration(levels) for levels in itertools.product(*self.scan.grid))
        priced = [(one, self.scan.cost(one, self.trials)) for one in every]
        fitting = [one for one, cost in priced if cost.bytes <= max_bytes and cost.us <= max_us]
        if not fitting:
            return [min(priced, key=lambda one: (one[1].bytes, one[1].us))[0]]
        return sorted(fitting, key=self.scan.loss)[: self.settings.proposals]

    def _better_half(
        self, survivors: Sequence[Configuration], rung: int, rungs: int
    ) -> list[Configuration]:
        """The half with less loss, at least the finalists; all of them where time ran out."""
        epochs = self.settings.repair_epochs * rung / rungs
        outcomes = [self._try(one, f"rung {rung}", self.seeds[:1], epochs) for one in survivors]
        ranked = sorted(
            (found[0].loss if found else math.inf, place) for place, found in enumerate(outcomes)
        )
        keep = max(FINALISTS, len(survivors) // 2)
        return [survivors[place] for _, place in ranked[:keep]]

    def relax(self, configuration: Configuration) -> Configuration:
        """The configuration, relaxed level by level as long as it loses more AUC than allowed.

        It may then exceed its target: the gate has the last word on both.
        """
        dense_auc, axes = self.trials.dense_auc, range(len(configuration.levels))
        while outcomes := self._try(configuration, "relaxed", self.seeds):
            if dense_auc - mean(one.auc for one in outcomes) <= self.settings.max_loss:
                break
            weaker = [one for k in axes if (one := configuration.relax(self.scan.grid, k))]
            if not weaker:
                break
            configuration = min(weaker, key=self.scan.loss)
        return configuration

    def _try(
        self,
        configuration: Configuration,
        stage: str,
        seeds: Sequence[int],
        epochs: float | None = None,
    ) -> list[Outcome]:
        """The outcomes with these seeds, all epochs of repair unless said otherwise."""
        epochs = self.settings.repair_epochs if epochs is None else epochs
        recipe = configuration.recipe(configuration.name, epochs)
        found = (self.trials.run(self.target.name, stage, recipe, seed) for seed in seeds)
        return [outcome for outcome in found if outcome is not None]
