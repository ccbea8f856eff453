"""What a row says of the label, by the scenario's kind of label.

`faults` are reasons to quarantine a raw row. `label_events` turns usable rows into labelled events;
a row that shows many items becomes many. Each task of a label becomes a column of its own. Rows of
context tell no label: events whose label is null, so no rows of a split, which counters and
histories of later events know.
"""

from functools import partial, reduce

from pyspark.errors import AnalysisException, ParseException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from secateur.contracts.errors import ScenarioError
from secateur.contracts.features import LABEL_PREFIX
from secateur.events.spark_spelling import array_or, canonical_spelling, canonical_values
from secateur.scenario import (
    ClickedListLabel,
    ColumnLabel,
    EventTypeLabel,
    Label,
    MarkedListLabel,
    PurchaseLabel,
    ThresholdLabel,
    context_of,
    tasks_of,
)
from secateur.scenario.sections.label_rows import ShownList
from secateur.spark import column_named, finite_number

LABEL = "label"
_SHOWN = "_secateur_shown"


def label_columns(label: Label) -> tuple[str, ...]:
    """The raw columns that hold the label and its tasks."""
    if isinstance(label, PurchaseLabel):
        return ()
    if isinstance(label, ClickedListLabel):
        return (label.column, label.clicked)
    return (label.column, *(task.column for task in tasks_of(label).values()))


def shown_list(label: Label) -> ShownList:
    """What its rows' lists give to events besides the items; nothing where they show none."""
    return label if isinstance(label, ShownList) else ShownList()


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
                **_alignment_faults(label),
            }
        case ClickedListLabel():
            clicked, shown = column_named(label.clicked), _pieces(label)
            return {
                "candidates_missing": column_named(label.column).isNull(),
                "clicked_not_shown": clicked.isNotNull() & ~F.array_contains(shown, clicked),
                **_alignment_faults(label),
            }
        case ColumnLabel():
            value = column_named(label.column)
            return {"label_not_binary": value.isNull() | ~value.isin("0", "1")}


def label_events(rows: DataFrame, label: Label, item: str) -> DataFrame:
    """Add `label` and tasks (int) to usable rows; where one shows items, a row each, in `item`.

    The columns that tell which of the shown items was chosen are gone from the events.
    """
    if not isinstance(label, MarkedListLabel | ClickedListLabel):
        return rows.withColumns({LABEL: _label(label), **task_columns(label)})
    exploded = rows.withColumn(_SHOWN, F.explode(_shown_items(label)))
    shown = F.col(_SHOWN)
    columns = {item: canonical_spelling(shown["item"]), LABEL: shown["as"]}
    for number, name in enumerate(label.aligned):
        columns[name] = canonical_spelling(shown[f"aligned_{number}"])
    if label.position is not None:
        columns[label.position] = shown["place"].cast("string")
    gone = [name for name in label_columns(label) if name not in columns]
    return exploded.withColumns(columns).drop(*gone, _SHOWN)


def is_context(rows: DataFrame, label: Label) -> Column:
    """Whether a raw row is context. Raises ScenarioError where the scenario says it in no SQL."""
    context = context_of(label)
    if context is None:
        return F.lit(False)
    try:
        rows.where(context.where)
    except (AnalysisException, ParseException) as error:
        first = str(error).splitlines()[0]
        raise ScenarioError(f"label.context: {context.where!r}: {first}") from error
    return F.coalesce(F.expr(context.where), F.lit(False))


def context_faults(rows: DataFrame, label: Label, item: str) -> dict[str, Column]:
    """Predicates over canonical columns by reason code: an event is of an item."""
    if not shows_items(label):
        return {"item_missing": column_named(item).isNull()}
    named = context_of(label)
    if named is None or named.item is None:
        return {}
    return {"item_missing": is_context(rows, label) & column_named(named.item).isNull()}


def label_and_context(rows: DataFrame, label: Label, item: str) -> DataFrame:
    """The labelled events of usable rows, and those of context, whose label and tasks are null."""
    context = context_of(label)
    if context is None:
        return label_events(rows, label, item)
    is_other = is_context(rows, label)
    of_item = column_named(context.item or item)
    nothing = F.lit(None).cast("int")
    made = {LABEL: nothing, **dict.fromkeys(task_columns(label), nothing), item: of_item}
    gone = label_columns(label) if shows_items(label) else ()
    others = rows.where(is_other).withColumns(made).drop(*(set(gone) - {item}))
    learned = label_events(rows.where(~is_other), label, item)
    return learned.unionByName(others, allowMissingColumns=True)


def _shown_items(label: MarkedListLabel | ClickedListLabel) -> Column:
    """An array of each item that a row shows, once: `item`, `as`, `place`, and what is aligned."""
    nothing = F.array().cast("array<string>")
    lists = (_split(name, label.separator) for name in label.aligned.values())
    aligned = [F.coalesce(one, nothing) for one in lists]
    # Side by side, and not by their places: each element would split the lists again.
    pieces = F.transform(F.arrays_zip(_parts(label), *aligned), partial(_piece, len(aligned)))
    whole = F.filter(pieces, lambda one: F.length(one["piece"]) > 0)
    shown = F.transform(whole, partial(_shown_item, label, len(aligned)))
    return F.transform(F.array(shown), _each_once)[0]  # so that it is worked out once


def _piece(aligned: int, zipped: Column) -> Column:
    values = (zipped[str(n + 1)].alias(f"aligned_{n}") for n in range(aligned))
    return F.struct(zipped["0"].alias("piece"), *values)


def _shown_item(
    label: MarkedListLabel | ClickedListLabel, aligned: int, piece: Column, number: Column
) -> Column:
    text = piece["piece"]
    if isinstance(label, MarkedListLabel):
        mark_length = F.lit(len(label.mark) + 1)  # with the digit after it
        name, chosen = F.left(text, F.length(text) - mark_length), F.right(text, F.lit(1))
    else:
        clicked = F.coalesce(column_named(label.clicked), F.lit(""))
        name, chosen = text, text == clicked
    values = (piece[f"aligned_{n}"].alias(f"aligned_{n}") for n in range(aligned))
    parts = {"item": name, "as": chosen.cast("int"), "place": number + 1}
    return F.struct(*(part.alias(key) for key, part in parts.items()), *values)


def _each_once(shown: Column) -> Column:
    names = F.transform(shown, lambda one: one["item"])
    is_repeated = F.size(F.array_distinct(names)) < F.size(names)
    return F.when(is_repeated, _first_places(shown)).otherwise(shown)


def _first_places(shown: Column) -> Column:
    """The items at their first places, chosen where they are anywhere."""

    def stands_earlier(one: Column) -> Column:
        return F.exists(shown, lambda o: (o["item"] == one["item"]) & (o["place"] < one["place"]))

    def chosen_anywhere(one: Column) -> Column:
        return F.exists(shown, lambda o: (o["item"] == one["item"]) & (o["as"] == 1))

    first = F.filter(shown, lambda one: ~stands_earlier(one))
    return F.transform(first, lambda one: one.withField("as", chosen_anywhere(one).cast("int")))


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
    return F.filter(_parts(label), lambda piece: F.length(piece) > 0)


def _parts(label: MarkedListLabel | ClickedListLabel) -> Column:
    """What stands between the separators, nothing too."""
    parts = _split(label.column, label.separator)
    if isinstance(label, ClickedListLabel):  # to be compared with the clicked item's spelling
        parts = F.transform(parts, lambda part: F.coalesce(canonical_spelling(part), F.lit("")))
    return parts


def _split(name: str, separator: str) -> Column:
    column = column_named(name)
    return array_or(column, F.split(column, literally(separator)))


def _alignment_faults(label: MarkedListLabel | ClickedListLabel) -> dict[str, Column]:
    """Whether a row's lists differ in length; one that is missing is not."""
    size = F.size(_split(label.column, label.separator))
    sizes = {name: F.size(_split(name, label.separator)) for name in label.aligned.values()}
    unlike = (column_named(name).isNotNull() & (other != size) for name, other in sizes.items())
    return {"aligned_malformed": reduce(Column.__or__, unlike)} if sizes else {}


def literally(text: str) -> str:
    """A regular expression (Java's) that matches this text only."""
    return "\\Q" + text.replace("\\E", "\\E\\\\E\\Q") + "\\E"
