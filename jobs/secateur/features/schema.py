"""From the scenario's fields and what the train days taught to the feature schema."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from secateur.contracts.errors import Refused, ScenarioError
from secateur.contracts.features import (
    LABEL_PREFIX,
    VALUE_PREFIX,
    CategoryField,
    FeatureSchema,
    ListField,
    VectorField,
)
from secateur.features.columns.encoder import TRAIN_EVENTS
from secateur.features.columns.numbers import Sample, bucket_field, number_field
from secateur.features.history.user_history import TYPES
from secateur.scenario import Features, FieldSpec

ROW_COLUMNS = ("label", "user", "day", "time_ms")
VOCABULARY = pa.schema(
    [("field", pa.string()), ("id", pa.int32()), ("value", pa.string()), ("count", pa.int64())]
)


@dataclass(frozen=True)
class Heading:
    """What a schema says of its scenario and of the key that hashed its users."""

    scenario: str
    label: str
    id_key: str
    tasks: tuple[str, ...] = ()

    @property
    def task_columns(self) -> tuple[str, ...]:
        """The columns of the events that hold the tasks."""
        return tuple(LABEL_PREFIX + task for task in self.tasks)


def demand_fields(
    features: Features, user: str, columns: Sequence[str], tasks: Sequence[str] = ()
) -> None:
    """Check the fields, and the columns of `tasks`, against the events' columns.

    Raises ScenarioError where a name is taken or twice, where what is made of many events is named
    as a column is, where `hashed` is not said of exactly the user, a category, or where a list
    would hold users; Refused where the events lack a column.
    """
    specs = features.inputs
    names = [name for spec in specs for name in _names(spec)]
    slices = (f"slice_{place}" for place in range(len(features.slices)))
    taken = {*ROW_COLUMNS, *tasks, *TRAIN_EVENTS, *slices, *(VALUE_PREFIX + name for name in names)}
    made = {name for spec in specs if _is_made(spec, features) for name in _names(spec)}
    taken |= made & set(columns)
    wrong = sorted({name for name in names if names.count(name) > 1 or name in taken})
    if wrong:
        raise ScenarioError(f"features.fields: {wrong} are twice there, or names of our own")
    _demand_hashed_user(features, user)
    lacking = sorted((_columns_of(features) | set(tasks)) - set(columns))
    if lacking:
        raise Refused(f"the events have no column {lacking}, which [features] or [label] names")


def _demand_hashed_user(features: Features, user: str) -> None:
    wrong = [s.name for s in features.inputs if s.hashed != (s.name == user)]
    wrong += [s.name for s in features.inputs if s.hashed and s.kind != "category"]
    if wrong:
        raise ScenarioError(
            f"features.fields {wrong}: hashed = true is for {user}, and only it, as a category"
        )
    of_users = [s.name for s in features.fields if user in (s.shares, s.type)]
    if of_users:
        raise ScenarioError(f"features.fields {of_users}: a list holds no users")


def _names(spec: FieldSpec) -> tuple[str, ...]:
    """The names of the model inputs that a field makes."""
    return (spec.name, spec.name + TYPES) if _has_types(spec) else (spec.name,)


def _has_types(spec: FieldSpec) -> bool:
    return spec.kind == "history" and spec.type is not None


def _is_made(spec: FieldSpec, features: Features) -> bool:
    """Whether the input is made of many events, and no column of its own event."""
    return spec.kind == "history" or spec not in features.fields


def _columns_of(features: Features) -> set[str]:
    """The event columns that [features] names."""
    of_event = {spec.name for spec in features.fields if spec.kind != "history"}
    types = {spec.type for spec in features.fields if spec.type is not None}
    counted = {name for counter in features.counters for name in counter.columns}
    return of_event | types | counted | {part.column for part in features.slices}


def owns_vocabulary(spec: FieldSpec) -> bool:
    """Whether there is a vocabulary of this field's own values, or of its types."""
    own_list = spec.kind == "list" and spec.shares is None
    return spec.kind == "category" or own_list or _has_types(spec)


def vocabulary_name(spec: FieldSpec) -> str:
    """The schema's field that owns the vocabulary learned for `spec`."""
    return spec.name + TYPES if _has_types(spec) else spec.name


def schema_of(
    features: Features, heading: Heading, sizes: Mapping[str, int], samples: Mapping[str, Sample]
) -> FeatureSchema:
    """The schema: `sizes` of vocabularies with their OOV id, `samples` of numeric fields."""
    specs = features.inputs
    categories = _of(specs, "category")
    return FeatureSchema(
        scenario=heading.scenario,
        label=heading.label,
        categories=tuple(
            CategoryField(s.name, s.owner, sizes[s.name], s.min_count, s.hashed) for s in categories
        ),
        buckets=tuple(bucket_field(s, samples[s.name]) for s in _of(specs, "bucket")),
        id_key=heading.id_key,
        numbers=tuple(number_field(s, samples[s.name]) for s in _of(specs, "number")),
        lists=tuple(_lists(features.fields, sizes)),
        vectors=tuple(
            VectorField(s.name, s.owner, s.length, s.separator) for s in _of(specs, "vector")
        ),
        slices=tuple(part.name for part in features.slices),
        tasks=heading.tasks,
    )


def _of(specs: Iterable[FieldSpec], kind: str) -> tuple[FieldSpec, ...]:
    return tuple(spec for spec in specs if spec.kind == kind)


def _lists(specs: Sequence[FieldSpec], sizes: Mapping[str, int]) -> Iterator[ListField]:
    """Lists and histories in the scenario's order, a history's types right after it."""
    shared = {spec.name: spec.min_count for spec in specs}
    for spec in specs:
        if spec.kind not in ("list", "history"):
            continue
        owner = spec.shares or spec.name
        yield ListField(
            name=spec.name,
            owner=spec.owner,
            size=sizes[owner],
            length=spec.length,
            separator=None if spec.kind == "history" else spec.separator,
            min_count=shared[owner],
            shares=spec.shares,
            history=spec.kind == "history",
        )
        if _has_types(spec):
            name, size = spec.name + TYPES, sizes[spec.name + TYPES]
            yield ListField(name, spec.owner, size, spec.length, None, spec.min_count, history=True)
