"""From the scenario's fields and the train days' counts to the feature schema and vocabulary."""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from secateur.contracts.errors import Refused, ScenarioError
from secateur.contracts.features import VALUE_PREFIX, BucketField, CategoryField
from secateur.features.counting import Counts, quantile_boundaries
from secateur.scenario import Features, FieldSpec

ROW_COLUMNS = ("label", "user", "day", "time_ms")
COUNT_COLUMNS = ("user_train_events", "item_train_events")
VOCABULARY = pa.schema(
    [("field", pa.string()), ("id", pa.int32()), ("value", pa.string()), ("count", pa.int64())]
)


def demand_fields(features: Features, user: str, columns: Sequence[str]) -> None:
    """Check the fields against the events' columns.

    Raises ScenarioError where a name is taken or twice, or `hashed` is not said of exactly the
    user; Refused where the events lack a column.
    """
    specs = features.inputs
    names = [spec.name for spec in specs]
    taken = {*ROW_COLUMNS, *COUNT_COLUMNS, *(VALUE_PREFIX + name for name in names)}
    wrong = sorted({name for name in names if names.count(name) > 1 or name in taken})
    if wrong:
        raise ScenarioError(f"features.fields: {wrong} are twice there, or names of our own")
    hashed = [spec.name for spec in specs if spec.hashed != (spec.name == user)]
    if hashed:
        raise ScenarioError(f"features.fields {hashed}: hashed = true is for {user}, and only it")
    wanted = {spec.name for spec in features.fields} | {c.key for c in features.counters}
    lacking = sorted(wanted - set(columns))
    if lacking:
        raise Refused(f"the events have no column {lacking}, which [features] names")


def category_of(spec: FieldSpec, known: Counts) -> CategoryField:
    """A category whose vocabulary is `known`; one more id stands for all else."""
    size = len(known.values) + 1
    return CategoryField(spec.name, spec.owner, size, spec.min_count, spec.hashed)


def bucket_of(spec: FieldSpec, counts: Counts) -> BucketField:
    """A number cut at its train quantiles."""
    return BucketField(spec.name, spec.owner, quantile_boundaries(counts, spec.buckets))


def vocabulary_table(known: Mapping[str, Counts]) -> pa.Table:
    """All vocabularies as one table, by field in the schema's order, then by id."""
    parts = [
        pa.table(
            {
                "field": pa.repeat(name, len(counts.values)),
                "id": pa.array(range(len(counts.values)), pa.int32()),
                "value": counts.values,
                "count": counts.rows,
            }
        ).cast(VOCABULARY)
        for name, counts in known.items()
    ]
    return pa.concat_tables([VOCABULARY.empty_table(), *parts]).combine_chunks()
