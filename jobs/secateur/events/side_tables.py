"""The side tables of an EventSet: canonical text, one row a key, or one a version of it."""

from pathlib import Path
from typing import Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

from secateur.contracts.artifact_files import SIDES, VERSION_BOUNDS, VERSION_END, VERSION_FROM
from secateur.contracts.errors import Refused
from secateur.events.cleaning import is_erased
from secateur.events.cleaning_context import CleaningContext
from secateur.events.columns.keyed_hash import hash_of, with_pads
from secateur.events.instants import milliseconds
from secateur.events.raw_rows import FAULT, side_rows
from secateur.events.reading.raw_file import RawFile
from secateur.scenario import Logs, SideTable
from secateur.scenario.time_formats import tells_year
from secateur.spark import column_named, content, move_part, quoted_name, write_one

_NO_END = (1 << 63) - 1  # of the last version


def write_sides(context: CleaningContext, folder: Path) -> dict[str, dict[str, Any]]:
    """Write each side table to `sides/<name>/`, its rows by key; the user's is a keyed hash.

    Of users that are erased there are none. A dated table has the bounds of each version in columns
    of their own. Gives facts of each: its `content`, the `rows` read, and whether it is `dated`.
    Raises Refused where rows are malformed, or a key or version stands twice and would make two
    events of one.
    """
    rules, user, facts = context.rules, context.rules.logs.user, {}
    for side in rules.logs.sides:
        file = context.log.sides[side.name]
        rows = side_rows(context.spark, file, side, rules.cleaning.missing)
        if side.valid_from is not None:
            rows = _with_versions(rows, file, side, rules.logs)
        rows = rows.persist()
        found = _demand_one_row_a_key(rows, file, side)
        table = rows.drop(FAULT)
        if user in table.columns:
            columns = (
                hash_of(column_named(name)).alias(name) if name == user else column_named(name)
                for name in table.columns
            )
            table = with_pads(table, context.id_key).select(*columns)
            table = table.where(~is_erased(user, context))
        order = [quoted_name(side.key), *(name for name in VERSION_BOUNDS if side.valid_from)]
        written = write_one(table, order, context.scratch / SIDES / side.name)
        part = move_part(written, folder / SIDES / side.name)
        facts[side.name] = {
            "content": content(context.spark, [part]),
            "dated": side.valid_from is not None,
            "rows": found,
        }
        rows.unpersist()
    return facts


def _with_versions(rows: DataFrame, file: RawFile, side: SideTable, logs: Logs) -> DataFrame:
    """The rows with the time from which each holds, and that at which its key's next one does."""
    if side.valid_from not in file.columns:
        raise Refused(f"{file.key} has no column {side.valid_from}; it has {list(file.columns)}")
    time_format = side.valid_from_format or logs.time_format
    spelled = {"time": side.valid_from, "time_format": time_format}
    year = None if tells_year(time_format) else logs.time_year
    told = logs.model_copy(update=spelled | {"time_year": year})
    since = milliseconds(told, file.stored_type(str(side.valid_from)))
    timed = rows.withColumn(VERSION_FROM, since)
    later = Window.partitionBy(column_named(side.key)).orderBy(VERSION_FROM)
    end = F.coalesce(F.lead(VERSION_FROM).over(later), F.lit(_NO_END))
    return timed.withColumn(VERSION_END, end)


def _demand_one_row_a_key(rows: DataFrame, file: RawFile, side: SideTable) -> int:
    """Insist on whole rows, a time of each version, and no key or version twice; gives the rows."""
    if side.key not in file.columns:
        raise Refused(f"{file.key} has no column {side.key}; it has {list(file.columns)}")
    known = F.col(FAULT).isNull()
    names = [quoted_name(side.key)] + [VERSION_FROM for _ in [side.valid_from] if side.valid_from]
    key: Column = F.when(known, F.struct(*names))
    timeless = F.col(VERSION_FROM).isNull() if side.valid_from else F.lit(False)
    (found,) = rows.agg(
        F.count("*").alias("rows"),
        F.count(FAULT).alias("cut"),
        F.count_if(known & timeless).alias("timeless"),
        (F.count(key) - F.count_distinct(key)).alias("twice"),
    ).collect()
    faults = {
        f"{found['cut']} have not {len(file.columns)} columns": found["cut"],
        f"{found['timeless']} tell no time in {side.valid_from}": found["timeless"],
        f"{found['twice']} repeat a {side.key}"
        + (f" at the same {side.valid_from}" if side.valid_from else ""): found["twice"],
    }
    told = [words for words, rows_of in faults.items() if rows_of]
    if told:
        raise Refused(f"{file.key}: of {found['rows']:,} rows {', '.join(told)}")
    return int(found["rows"])
