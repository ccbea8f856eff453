"""One recommender's nights: all sections together."""

from typing import Annotated

from pydantic import Field

from secateur.contracts.candidates import Recipe
from secateur.contracts.errors import UsageError
from secateur.model.training_settings import Training
from secateur.scenario.sections.cleaning import Cleaning
from secateur.scenario.sections.features import Features
from secateur.scenario.sections.judgement import Judgement, ReleaseChannel
from secateur.scenario.sections.logs import Label, Logs
from secateur.scenario.sections.repruning import Repruning
from secateur.scenario.sections.search import Search, Target
from secateur.scenario.sections.validation import Validation
from secateur.section import Name, Section


class Scenario(Section):
    """One recommender's nights."""

    name: Name
    """Name of the recommender: of its DAG, `secateur_<name>`, and of its folder in the store."""
    title: str
    """What people read in Airflow, in the report and on the model card."""
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    """Where all randomness starts: equal seeds and inputs give equal artifacts."""
    schedule: str = "0 3 * * *"
    """When the night runs, by the clock of `logs.timezone`: a cron expression, or a preset such as
    `@daily`. An empty text: only when somebody asks."""
    deadline_hours: Annotated[float, Field(gt=0)] = 20.0
    """A night that takes longer is ended, and an alert says so."""
    delivery_hours: Annotated[float, Field(ge=0)] = 0.0
    """How long a scheduled night waits for the delivery of its day before it is skipped."""
    silence_hours: Annotated[float, Field(gt=0)] = 30.0
    """`check_heartbeat` alarms where no night has ended for longer."""
    tags: tuple[str, ...] = ()
    """Tags of the DAG in Airflow."""
    only_candidates: tuple[str, ...] = ()
    """Names of the candidates to try; the trigger form sets it. Default: all."""
    logs: Logs
    """Where the raw log lies and how it is written."""
    label: Label
    """What is to be predicted."""
    cleaning: Cleaning
    """Which rows are usable."""
    features: Features
    """The inputs of the model, and which days are held out."""
    validation: Validation
    """What the data must satisfy."""
    training: Training
    """The dense model."""
    candidates: tuple[Recipe, ...] = ()
    """The recipes to prune by. A night without a search needs one at least."""
    judgement: Judgement
    """The gate."""
    release: ReleaseChannel = ReleaseChannel()
    """Where a package that passes goes."""
    search: Search | None = None
    """Looks for recipes itself; without it, only the candidates are tried."""
    repruning: Repruning | None = None
    """Keeps the cuts of successive nights alike; without it, every night cuts anew."""

    def target(self, name: str) -> Target:
        """The search's target of this name. Raises UsageError."""
        targets = {one.name: one for one in self.search.targets} if self.search else {}
        if name not in targets:
            raise UsageError(f"the scenario's search has no target {name!r}, it has {[*targets]}")
        return targets[name]

    def channel_of(self, target: str | None) -> str:
        """The channel that moves, or that of a target of the search. Raises UsageError."""
        channel = self.release.channel
        return f"{channel}_{self.target(target).name}" if target else channel

    @property
    def channels(self) -> tuple[str, ...]:
        """The scenario's channel, then those of its search's targets."""
        targets = self.search.targets if self.search else ()
        return (self.channel_of(None), *(self.channel_of(one.name) for one in targets))

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        """The candidates to try: all, or those that `only_candidates` names."""
        wanted = self.only_candidates or tuple(r.name for r in self.candidates)
        return tuple(r for r in self.candidates if r.name in wanted)
