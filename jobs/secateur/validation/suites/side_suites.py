"""What must hold of the side tables that are joined to events, and what is risked with them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import great_expectations.expectations as gxe
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from secateur.contracts.artifact_files import SIDES, VERSION_BOUNDS
from secateur.contracts.data import Profile
from secateur.scenario import SideTable
from secateur.scenario.raw_log.column_names import INTERNAL
from secateur.spark import column_named, join_side, read_side
from secateur.validation.suite_runner import Suite

_MATCHED = f"{INTERNAL}matched"


def side_suites(events: DataFrame, folder: Path, sides: Sequence[SideTable]) -> list[Suite]:
    """The suite of the side tables below an EventSet's `folder`: enough events find a row.

    That the events lack a key or their time, another suite says.
    """
    joined = [side for side in sides if {side.key, "time_ms"} <= set(events.columns)]
    if not joined:
        return []
    frame = {side.name: [matched_share(events, folder, side)] for side in joined}
    enough = (
        gxe.ExpectColumnMinToBeBetween(
            column=side.name,
            min_value=side.min_match,
            description=f"the share of events with a row >= {side.min_match:g} (min_match)",
        )
        for side in joined
    )
    return [Suite("side tables", pa.table(frame).to_pandas(), tuple(enough))]


def matched_share(events: DataFrame, folder: Path, side: SideTable) -> float:
    """The share of the events with the key that find a row in the table; 0 where there is none."""
    if not any(folder.glob(f"{SIDES}/{side.name}/part-*.parquet")):
        return 0.0
    has_key = column_named(side.key).isNotNull()
    keyed = events.where(has_key).select(column_named(side.key), "time_ms")
    table = read_side(events.sparkSession, folder, side).withColumn(_MATCHED, F.lit(1))
    names = [n for n in table.columns if n in (side.key, _MATCHED, *VERSION_BOUNDS)]
    joined = join_side(keyed, table.select(*map(column_named, names)), side.key)
    (found,) = joined.agg(F.avg(F.coalesce(_MATCHED, F.lit(0)))).collect()
    return float(found[0] or 0.0)


def undated_sides(facts: Mapping[str, Any]) -> dict[str, str]:
    """The digest of what each undated side table holds, by name, of an EventSet's facts."""
    sides: Mapping[str, Mapping[str, Any]] = facts.get("sides", {})
    return {name: str(one["content"]) for name, one in sides.items() if not one["dated"]}


def changed_sides(now: Mapping[str, str], then: Profile | None) -> tuple[str, ...]:
    """What is risked with undated tables, by name with their content, that are no more what they
    were when `then` was accepted.
    """
    known = then.sides if then else {}
    changed = [name for name in now if name in known and now[name] != known[name]]
    return tuple(
        f"side table {name} changed since the night of {then.last_day} and is not dated "
        "(valid_from): events of before the change were joined to what became known after them"
        for name in changed
        if then
    )
