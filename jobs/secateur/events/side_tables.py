"""The side tables of an EventSet: canonical text, one row a key."""

from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from secateur.contracts.artifact_files import SIDES
from secateur.contracts.errors import Refused
from secateur.events.cleaning_context import CleaningContext
from secateur.events.keyed_hash import hash_of, with_pads
from secateur.events.raw_files import RawFile
from secateur.events.raw_rows import FAULT, side_rows
from secateur.spark import column_named, move_part, quoted_name, write_one


def write_sides(context: CleaningContext, folder: Path) -> None:
    """Write each side table to `sides/<name>/`, its rows by key; the user's is a keyed hash.

    Raises Refused where rows are malformed, or a key stands twice and would make two events of one.
    """
    rules, user = context.rules, context.rules.logs.user
    for side in rules.logs.sides:
        file = context.log.sides[side.name]
        rows = side_rows(context.spark, file, side, rules.cleaning.missing).persist()
        _demand_one_row_a_key(rows, file, side.key)
        table = rows.drop(FAULT)
        if user in table.columns:
            columns = (
                hash_of(column_named(name)).alias(name) if name == user else column_named(name)
                for name in table.columns
            )
            table = with_pads(table, context.id_key).select(*columns)
        written = write_one(table, [quoted_name(side.key)], context.scratch / SIDES / side.name)
        move_part(written, folder / SIDES / side.name)
        rows.unpersist()


def _demand_one_row_a_key(rows: DataFrame, file: RawFile, key: str) -> None:
    if key not in file.columns:
        raise Refused(f"{file.key} has no column {key}; it has {list(file.columns)}")
    (found,) = rows.agg(
        F.count("*").alias("rows"),
        F.count(FAULT).alias("cut"),
        (F.count(column_named(key)) - F.count_distinct(column_named(key))).alias("twice"),
    ).collect()
    if found["cut"] or found["twice"]:
        raise Refused(
            f"{file.key}: of {found['rows']:,} rows {found['cut']} have not {len(file.columns)} "
            f"columns, and {found['twice']} repeat a {key}"
        )
