"""A scenario file (TOML) as one frozen, checked value; an unknown key is an error.

Each room is given its own section, never the whole. `load` reads `jobs/scenarios/<name>.toml` or
a path, and applies overrides such as `judgement.margin=0.02`.
"""

import tomllib
import zoneinfo
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from secateur.contracts import record
from secateur.contracts.candidates import Recipe
from secateur.contracts.errors import CorruptArtifact, ScenarioError
from secateur.contracts.features import Owner
from secateur.contracts.judgement import Batch

SCENARIOS = Path(__file__).parents[1] / "scenarios"
PROJECT = Path(__file__).parents[2]

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(gt=0)]
Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]


def _known_timezone(name: str) -> str:
    if name not in zoneinfo.available_timezones():
        raise ValueError(f"unknown timezone {name!r}; say it like 'Asia/Shanghai'")
    return name


class Section(BaseModel):
    """A frozen part of a scenario that knows no other key than its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SideTable(Section):
    """A table joined to every event by `key`: CSV with a header, one row a key."""

    name: str
    path: str
    key: str


class Logs(Section):
    """Where the raw log lies and how to read it.

    `uri` is absolute or relative to the project's root. Days are the sub-folders
    `events/date=YYYY-MM-DD`, as clocks in `timezone` (an IANA name) tell them. The window is the
    `window_days` days up to `last_day`, or up to the newest day present, none before `first_day`.
    """

    uri: str
    events: str = "events"
    format: Literal["csv"] = "csv"
    user: str
    item: str
    time_ms: str
    timezone: Annotated[str, AfterValidator(_known_timezone)] = "UTC"
    first_day: Day | None = None
    last_day: Day | None = None
    window_days: Positive = 14
    sides: tuple[SideTable, ...] = ()


class Label(Section):
    """The binary column to predict."""

    column: str


class CleaningRule(Section):
    """A row is quarantined under `code` where the Spark SQL predicate `bad` holds."""

    code: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    bad: str


class Cleaning(Section):
    """What is unusable, what counts as missing, which rows are the same event."""

    deduplicate_on: tuple[str, ...]
    quarantine_budget: Fraction = 0.02
    missing: dict[str, tuple[str, ...]] = {}
    rules: tuple[CleaningRule, ...] = ()


class FieldSpec(Section):
    """One model input: a category with a vocabulary, or a number cut into quantile buckets."""

    name: str
    owner: Owner
    kind: Literal["category", "bucket"] = "category"
    min_count: Positive = 1
    hashed: bool = False
    buckets: Annotated[int, Field(ge=2, le=255)] = 16


class Counter(Section):
    """Two numbers of the days before an event's day: how many events the key had, and its rate.

    The rate is smoothed by `prior_events` events of `prior_rate`. See `features/counters.py`.
    """

    key: str
    owner: Owner
    prior_events: Positive = 10
    prior_rate: Fraction
    buckets: Annotated[int, Field(ge=2, le=255)] = 32

    @property
    def events_name(self) -> str:
        """Name of the count's field."""
        return f"{self.key}_events"

    @property
    def rate_name(self) -> str:
        """Name of the rate's field."""
        return f"{self.key}_rate"

    @property
    def fields(self) -> tuple[FieldSpec, ...]:
        """The two model inputs."""
        return tuple(
            FieldSpec(name=name, owner=self.owner, kind="bucket", buckets=self.buckets)
            for name in (self.events_name, self.rate_name)
        )


class Features(Section):
    """The fields, and how many of the last days are kept for tuning and for confirming."""

    tune_days: Positive = 2
    confirm_days: Positive = 2
    fields: tuple[FieldSpec, ...]
    counters: tuple[Counter, ...] = ()

    @property
    def inputs(self) -> tuple[FieldSpec, ...]:
        """All model inputs: the fields, then two a counter."""
        return (*self.fields, *(field for counter in self.counters for field in counter.fields))


class Validation(Section):
    """What the data must satisfy beyond what the schema implies."""

    min_rows: Positive
    min_rows_a_day: Positive = 1
    label_rate: tuple[Fraction, Fraction] = (0.0, 1.0)
    max_oov_rate: dict[str, Fraction] = {}


class Training(Section):
    """The dense model and its optimisation.

    The learning rate falls linearly to 0 over `max_epochs`; the last `holdout_days` of the train
    days stop it early. `teacher_weight` is the teacher's share of distillation's target. More
    CPU `threads` than idle cores slow it down by far; the weights are the same.
    """

    architecture: Literal["deepfm"] = "deepfm"
    embedding_dim: Positive = 16
    hidden: tuple[Positive, ...] = (400, 400, 400)
    dropout: Fraction = 0.0
    batch_size: Positive = 256
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    embedding_l2: Annotated[float, Field(ge=0)] = 0.0
    max_epochs: Annotated[float, Field(gt=0)] = 1.0
    holdout_days: Positive = 1
    evaluations_an_epoch: Positive = 4
    patience: Positive = 2
    teacher_weight: Fraction = 1.0
    threads: Positive = 1


class Judgement(Section):
    """The gate, and which package to take of those that pass it.

    `margin` is the AUC that a package may lose (non-inferiority, absolute; negative: must gain).
    `max_request_us` limits a request's p99 by its rows: { 256 = 5000.0 }. In what is preferred a
    package must beat the dense model by the fraction `min_saving`.
    """

    margin: Annotated[float, Field(gt=-1, lt=1)]
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    max_package_bytes: Positive | None = None
    max_request_us: dict[Batch, float] = {}
    prefer: Literal["bytes", "latency"] = "bytes"
    min_saving: Fraction = 0.01


class Release(Section):
    """Where a passing package goes."""

    channel: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")] = "latest"


RecipeSpec = Annotated[
    Recipe,
    BeforeValidator(lambda v: v if isinstance(v, Recipe) else record.decode(Recipe, v, "recipe")),
]


class Scenario(Section):
    """One recommender's nights."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
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
    candidates: tuple[RecipeSpec, ...]
    judgement: Judgement
    release: Release = Release()

    @model_validator(mode="after")
    def _names_agree(self) -> "Scenario":
        names = [recipe.name for recipe in self.candidates]
        if len(set(names)) != len(names) or "dense" in names:
            raise ValueError("candidates: names are unique, and 'dense' is the baseline's")
        unknown = sorted(set(self.only_candidates) - set(names))
        if unknown:
            raise ValueError(f"only_candidates: unknown {unknown}, known {names}")
        return self

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        """The candidates to try: all, or those that `only_candidates` names."""
        wanted = self.only_candidates or tuple(r.name for r in self.candidates)
        return tuple(r for r in self.candidates if r.name in wanted)


def load(name_or_path: str, overrides: tuple[str, ...] = ()) -> Scenario:
    """Read a scenario and apply overrides `section.key=value` (the value is TOML, or a bare word).

    Raises ScenarioError naming the file, the key and what is wrong with it.
    """
    path = _find(name_or_path)
    try:
        data = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"{path.name}: not TOML: {error}") from error
    for override in overrides:
        _apply(data, override)
    try:
        return Scenario.model_validate(data)
    except (ValidationError, CorruptArtifact) as error:
        raise ScenarioError(f"{path.name}: {_explain(error)}") from error


def _find(name_or_path: str) -> Path:
    for path in (Path(name_or_path), SCENARIOS / f"{name_or_path}.toml"):
        if path.is_file():
            return path
    known = sorted(p.stem for p in SCENARIOS.glob("*.toml"))
    raise ScenarioError(f"{name_or_path}: neither a file nor one of {known}")


def _apply(data: dict[str, Any], override: str) -> None:
    key, separator, text = override.partition("=")
    if not separator:
        raise ScenarioError(f"--set {override}: expected section.key=value")
    *sections, last = key.strip().split(".")
    for section in sections:
        data = data.setdefault(section, {})
    data[last] = _toml_value(text.strip())


def _toml_value(text: str) -> object:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _explain(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    lines = (
        f"{'.'.join(str(part) for part in e['loc']) or 'file'}: {e['msg']}" for e in error.errors()
    )
    return "; ".join(lines)
