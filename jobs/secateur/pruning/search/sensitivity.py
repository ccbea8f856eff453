"""The sensitivity scan: every level of every axis of the grid, cut alone and without repair.

Li et al., "Pruning filters for efficient convnets" (ICLR 2017).
"""

from dataclasses import dataclass, replace

from secateur.contracts.candidates import Recipe
from secateur.contracts.models import ModelSpec
from secateur.contracts.pruning import PruningPlan
from secateur.contracts.search import Cost
from secateur.pruning.cuts.compaction import compact_spec
from secateur.pruning.cuts.selection import choose_units
from secateur.pruning.search.grid import Configuration, Grid, Level, search_grid, step_name
from secateur.pruning.search.trials import Trials
from secateur.scenario.sections.search import Search

SCAN = "scan"


@dataclass(frozen=True)
class SensitivityScan:
    """The grid, and for each level of each axis its plan and the loss that it adds alone."""

    grid: Grid
    plans: list[list[PruningPlan]]
    losses: list[list[float]]

    def loss(self, configuration: Configuration) -> float:
        """The loss that a configuration is expected to add: the sum over its levels."""
        return sum(
            losses[levels.index(step)]
            for losses, levels, step in zip(
                self.losses, self.grid, configuration.levels, strict=True
            )
        )

    def cost(self, configuration: Configuration, trials: Trials) -> Cost:
        """The predicted cost of a configuration, each axis cutting as it does alone."""
        everything = PruningPlan.of_everything(trials.dense.spec)
        whole = everything
        for plans, levels, step in zip(self.plans, self.grid, configuration.levels, strict=True):
            plan = plans[levels.index(step)]
            for name in ("inputs", "heights", "dimensions", "neurons", "linear"):
                if getattr(plan, name) != getattr(everything, name):
                    whole = replace(whole, **{name: getattr(plan, name)})
        spec: ModelSpec = compact_spec(trials.dense.spec, whole)
        return trials.cost(spec, configuration.recipe("", 0.0))


def scan_sensitivity(trials: Trials, search: Search) -> SensitivityScan:
    """Try every level of every axis alone. A level that cuts no more than the last is left out."""
    scan = SensitivityScan([], [], [])
    everything = PruningPlan.of_everything(trials.dense.spec)
    for axis in search_grid(search, trials.dense.spec):
        kept: list[tuple[Level, PruningPlan, float]] = [(None, everything, 0.0)]
        for step in axis[1:]:
            assert step is not None  # noqa: S101 - only the first level is
            plan = choose_units(step, trials.dense, trials.context.calibration)
            if plan == kept[-1][1]:
                continue
            recipe = Recipe(step_name(step), (step,))
            outcome = trials.run(SCAN, SCAN, recipe, trials.context.seed)
            if outcome:
                kept.append((step, plan, outcome.loss))
        levels, plans, losses = zip(*kept, strict=True)
        scan.grid.append([*levels])
        scan.plans.append([*plans])
        scan.losses.append([*losses])
    return scan
