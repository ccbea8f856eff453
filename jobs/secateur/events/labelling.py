"""What a row says of the label, by the scenario's kind of label.

`faults` are reasons to quarantine a raw row. `label_events` turns usable rows into labelled events;
a row that shows many items becomes many. Each task of a label becomes a column of its own.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from secateur.contracts.features import LABEL_PREFIX
from secateur.events.spark_spelling import canonical_spelling, canonical_values
from secateur.scenario import (
    ClickedListLabel,
    ColumnLabel,
    EventTypeLabel,
    Label,
    MarkedListLabel,
    PurchaseLabel,
    ThresholdLabel,
    tasks_of,
)
from secateur.spark import column_named, finite_number

LABEL = "label"
_SHOWN = "_shown"


def label_columns(label: Label) -> tuple[str, ...]:
    """The raw columns that hold the label and its tasks."""
    if isinstance(label, PurchaseLabel):
        return ()
    if isinstance(label, ClickedListLabel):
        return (label.column, label.clicked)
    return (label.column, *(task.column for task in tasks_of(label).values()))


def task_columns(label: Label) -> dict[str, Column]:
    """Its tasks (int) by their column in the events, null where a row does not tell."""
    return {LABEL_PREFIX + name: _label(task) for name, task in tasks_of(label).items()}


def shows_items(label: Label) -> bool:
    """Whether a raw row shows a list of items, and so has no item column of its own."""
    return isinstance(label, MarkedListLabel | ClickedListLabel)


def faults(label: Label) -> dict[str, Column]:
    """Predicates over canonical columns by reason code."""
    found = _faults(label)
    for name, task in tasks_of(label).items():
        told = column_named(task.column).isNotNull()
        nonsense = _faults(task).values() if not isinstance(task, EventTypeLabel) else ()
        found |= {f"task_{name}_malformed": told & fault for fault in nonsense}
    return found


def _faults(label: Label) -> dict[str, Column]:
    match label:
        case PurchaseLabel():
            return {}
        case EventTypeLabel():
            value = column_named(label.column)
            known = value.isin(*canonical_values((*label.positive, *label.negative)))
            other = {"event_type_other": value.isNotNull() & ~known} if label.negative else {}
            return {"event_type_missing": value.isNull(), **other}
        case ThresholdLabel():
            return {"label_unparsable": finite_number(label.column).isNull()}
        case MarkedListLabel():
            item_and_mark = f"(?s)^.*[^ ].*{literally(label.mark)}[01]$"
            whole = F.forall(_pieces(label), lambda piece: piece.rlike(item_and_mark))
            return {
                "candidates_missing": column_named(label.column).isNull(),
                "candidates_malformed": ~whole,
            }
        case ClickedListLabel():
            clicked, shown = column_named(label.clicked), _pieces(label)
            return {
                "candidates_missing": column_named(label.column).isNull(),
                "clicked_not_shown": clicked.isNotNull() & ~F.array_contains(shown, clicked),
            }
        case ColumnLabel():
            value = column_named(label.column)
            return {"label_not_binary": value.isNull() | ~value.isin("0", "1")}


def label_events(rows: DataFrame, label: Label, item: str) -> DataFrame:
    """Add `label` and tasks (int) to usable rows; where one shows items, a row each, in `item`.

    The columns that tell which of the shown items was chosen are gone from the events.
    """
    if isinstance(label, MarkedListLabel):
        mark_length = F.lit(len(label.mark) + 1)  # with the digit after it
        shown = F.transform(
            _pieces(label),
            lambda piece: F.struct(
                F.left(piece, F.length(piece) - mark_length).alias("item"),
                F.right(piece, F.lit(1)).alias("as"),
            ),
        )
    elif isinstance(label, ClickedListLabel):
        clicked = F.coalesce(column_named(label.clicked), F.lit(""))
        shown = F.transform(
            _pieces(label),
            lambda piece: F.struct(piece.alias("item"), (piece == clicked).cast("int").alias("as")),
        )
    else:
        return rows.withColumns({LABEL: _label(label), **task_columns(label)})
    exploded = rows.withColumn(_SHOWN, F.explode(shown))
    spelled = canonical_spelling(F.col(_SHOWN)["item"])
    exploded = exploded.withColumns({item: spelled, LABEL: F.col(_SHOWN)["as"].cast("int")})
    return exploded.drop(*label_columns(label), _SHOWN)


def _label(label: Label) -> Column:
    match label:
        case EventTypeLabel():
            value = column_named(label.column)
            is_named = value.isin(*canonical_values(label.negative))
            negative = is_named if label.negative else value.isNotNull()
            return F.when(value.isin(*canonical_values(label.positive)), 1).when(negative, 0)
        case ThresholdLabel():
            return (finite_number(label.column) >= F.lit(label.at_least)).cast("int")
        case ColumnLabel():
            return column_named(label.column).cast("int")
        case _:
            return F.lit(1)


def _pieces(label: MarkedListLabel | ClickedListLabel) -> Column:
    parts = F.split(column_named(label.column), literally(label.separator))
    if isinstance(label, ClickedListLabel):  # to be compared with the clicked item's spelling
        parts = F.transform(parts, canonical_spelling)
    return F.filter(parts, lambda piece: F.length(piece) > 0)


def literally(text: str) -> str:
    """A regular expression (Java's) that matches this text only."""
    return "\\Q" + text.replace("\\E", "\\E\\\\E\\Q") + "\\E"
