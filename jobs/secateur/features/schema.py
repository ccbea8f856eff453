"""From the scenario's fields and what the train days taught to the feature schema."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from secateur.contracts.errors import Refused
from secateur.contracts.features import (
    LABEL_PREFIX,
    TYPES_SUFFIX,
    CategoryField,
    CounterMeaning,
    FeatureSchema,
    ListField,
    VectorField,
)
from secateur.encoding.spelling import canonical
from secateur.features.columns.number_columns import Sample, bucket_field, number_field
from secateur.scenario import Counter, Features, FieldSpec

VOCABULARY_SCHEMA = pa.schema(
    [("field", pa.string()), ("id", pa.int32()), ("value", pa.string()), ("count", pa.int64())]
)


@dataclass(frozen=True)
class Heading:
    """What a schema says of its log: the scenario, its labels, the key that hashed its users, the
    values by column that mean a missing one, the time zone of its clocks, the days that a night
    reads, beyond which no counter counts, and the share of positives where negatives were drawn.
    """

    scenario: str
    label: str
    id_key: str
    tasks: tuple[str, ...] = ()
    missing: Mapping[str, Sequence[str]] = field(default_factory=dict)
    timezone: str = "UTC"
    window_days: int | None = None
    drawn_rate: float | None = None

    @property
    def task_columns(self) -> tuple[str, ...]:
        """The columns of the events that hold the tasks."""
        return tuple(LABEL_PREFIX + task for task in self.tasks)


def demand_event_columns(
    features: Features, columns: Sequence[str], tasks: Sequence[str] = ()
) -> None:
    """Insist that the events have the columns to read, those of `tasks` too, and no other's name.

    Raises Refused where they lack one, or where one has the name of an input that is made of many
    events.
    """
    taken = sorted(features.made_inputs & set(columns))
    if taken:
        raise Refused(f"{taken} are columns of the events already: name the inputs otherwise")
    lacking = sorted((_columns_of(features) | set(tasks)) - set(columns))
    if lacking:
        raise Refused(f"the events have no column {lacking}, which [features] or [label] names")


def _columns_of(features: Features) -> set[str]:
    """The event columns that [features] names."""
    of_event = {spec.name for spec in features.fields if spec.is_column}
    types = {spec.type for spec in features.fields if spec.type is not None}
    counted = {name for counter in features.counters for name in counter.columns}
    counted -= features.times.keys()
    session = {features.session_column or ""} - {""} if features.has_sessions else set()
    return of_event | types | counted | session | {part.column for part in features.slices}


def owns_vocabulary(spec: FieldSpec) -> bool:
    """Whether there is a vocabulary of this field's own values, or of its types."""
    own_list = spec.kind == "list" and spec.shares is None
    return spec.kind == "category" or own_list or spec.has_types


def vocabulary_name(spec: FieldSpec) -> str:
    """The schema's field that owns the vocabulary learned for `spec`."""
    return spec.name + TYPES_SUFFIX if spec.has_types else spec.name


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
        missing=dict(_missing_values(features.fields, heading.missing)),
        counters=tuple(
            counter_meaning(counter, features, heading.window_days) for counter in features.counters
        ),
        times=features.times,
        timezone=heading.timezone,
        drawn_rate=heading.drawn_rate,
    )


def counter_meaning(counter: Counter, features: Features, most_days: int | None) -> CounterMeaning:
    """All that a service must know of a counter, windows and priors among it.

    Its days are at most those that a night reads.
    """
    days = [one for one in (counter.days, most_days) if one is not None]
    in_session = counter.within is not None
    by_gap = in_session and features.session_column is None
    return CounterMeaning(
        keys=counter.keys,
        inputs={str(measure): counter.field(measure) for measure in counter.measures},
        freshness=counter.freshness,
        prior_events=counter.prior_events,
        prior_rate=counter.prior_rate,
        window_days=None if counter.days is None else min(days),
        window_hours=counter.window_hours,
        within=counter.within,
        session_gap_minutes=features.session_gap_minutes if by_gap else None,
        session_column=features.session_column if in_session else None,
        last=counter.last,
        of=counter.of,
        at_least=counter.at_least,
    )


def _missing_values(
    specs: Sequence[FieldSpec], by_column: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The spellings that mean a missing value, by input; a history's are those of its items."""
    for spec in specs:
        columns = {spec.name: spec.shares if spec.kind == "history" else spec.name}
        if spec.kind == "history" and spec.type is not None:
            columns[spec.name + TYPES_SUFFIX] = spec.type
        for name, column in columns.items():
            spelled = map(canonical, by_column.get(str(column), ()))
            absent = tuple(value for value in spelled if value is not None)
            if absent and spec.kind != "category":
                yield name, absent


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
        if spec.has_types:
            name, size = spec.name + TYPES_SUFFIX, sizes[spec.name + TYPES_SUFFIX]
            yield ListField(name, spec.owner, size, spec.length, None, spec.min_count, history=True)
