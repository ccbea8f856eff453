"""One recommender's nights: all sections together."""

from pydantic import model_validator

from secateur.contracts.candidates import Recipe
from secateur.contracts.errors import UsageError
from secateur.scenario.sections.cleaning import Cleaning
from secateur.scenario.sections.features import Features
from secateur.scenario.sections.judgement import Judgement, Release
from secateur.scenario.sections.logs import Label, Logs
from secateur.scenario.sections.repruning import Repruning
from secateur.scenario.sections.search import Search, Target
from secateur.scenario.sections.section import Name, Section
from secateur.scenario.sections.training import Training
from secateur.scenario.sections.validation import Validation


class Scenario(Section):
    """One recommender's nights."""

    name: Name
    title: str
    seed: int
    schedule: str = "0 3 * * *"
    tags: tuple[str, ...] = ()
    only_candidates: tuple[str, ...] = ()
    logs: Logs
    label: Label
    cleaning: Cleaning
    features: Features
    validation: Validation
    training: Training
    candidates: tuple[Recipe, ...] = ()
    judgement: Judgement
    release: Release = Release()
    search: Search | None = None
    repruning: Repruning | None = None

    @model_validator(mode="after")
    def _names_agree(self) -> "Scenario":
        names = [recipe.name for recipe in self.candidates]
        sought = [target.name for target in self.search.targets] if self.search else []
        if len({*names, *sought}) != len(names) + len(sought) or "dense" in (*names, *sought):
            raise ValueError("names of candidates and targets differ, 'dense' is the baseline's")
        unknown = sorted(set(self.only_candidates) - set(names))
        if unknown:
            raise ValueError(f"only_candidates: unknown {unknown}, known {names}")
        return self

    def target(self, name: str) -> Target:
        """The search's target of this name. Raises UsageError."""
        targets = {one.name: one for one in self.search.targets} if self.search else {}
        if name not in targets:
            raise UsageError(f"the scenario's search has no target {name!r}, it has {[*targets]}")
        return targets[name]

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        """The candidates to try: all, or those that `only_candidates` names."""
        wanted = self.only_candidates or tuple(r.name for r in self.candidates)
        return tuple(r for r in self.candidates if r.name in wanted)
