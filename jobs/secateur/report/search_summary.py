"""A search in figures, by target: its trials by stage, and what its finalists gave."""

from collections import Counter
from dataclasses import dataclass
from statistics import mean

from secateur.contracts import record
from secateur.contracts.candidates import Recipe
from secateur.contracts.search import Cost, SearchRecord


@dataclass(frozen=True)
class Finalist:
    """A recipe that was tried with several seeds.

    `difference` is its mean AUC on the training holdout minus the dense model's.
    """

    name: str
    seeds: int
    difference: float
    cost: Cost


@dataclass(frozen=True)
class TargetSummary:
    """One target's search; `stages` counts its trials by stage, in their order."""

    target: str
    stages: dict[str, int]
    finalists: tuple[Finalist, ...]


def searches_by_target(search: SearchRecord) -> list[TargetSummary]:
    """The search of each target; the sensitivity scan, which serves all of them, comes first."""
    stages: dict[str, Counter[str]] = {}
    tried: dict[tuple[str, str], list[tuple[float, Cost]]] = {}
    recipes: dict[tuple[str, str], Recipe] = {}
    for trial in search.trials:
        stages.setdefault(trial.target, Counter())[trial.stage] += 1
        if trial.stage in ("final", "relaxed"):
            key = trial.target, record.digest(trial.recipe)
            recipes[key] = trial.recipe
            found = tried.setdefault(key, [])
            found.append((trial.outcome.auc - search.dense_auc, trial.outcome.cost))
    return [
        TargetSummary(
            target,
            dict(counts),
            tuple(
                Finalist(recipes[key].name, len(found), mean(d for d, _ in found), found[0][1])
                for key, found in tried.items()
                if key[0] == target
            ),
        )
        for target, counts in stages.items()
    ]
