"""What the features of a rich log's rows must be, said in plain Python from the rows alone.

Nothing here is shared with the code under test: every row looks at every other row.
"""

import math
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

import numpy as np
from rich_log import ZONE, Row, day_of, midnight_ms

from secateur.encoding.spelling import canonical
from secateur.scenario import Counter, FieldSpec

Values = dict[str, object]


def joined(rows: Iterable[Row], items: Iterable[Row]) -> list[Row]:
    """The rows with the columns of their items."""
    table = {item["item"]: item for item in items}
    names = [name for name in next(iter(table.values())) if name != "item"]
    return [{**row, **{n: table.get(row["item"], {}).get(n) for n in names}} for row in rows]


def timed(row: Row) -> Row:
    """The row with its hour and weekday, where the log was written."""
    local = datetime.fromtimestamp(row["time_ms"] / 1000, ZoneInfo(ZONE))
    return {**row, "hour": str(local.hour), "weekday": str(local.isoweekday())}


def counted(row: Row, rows: Sequence[Row], counter: Counter) -> Values:
    """The counter's fields of one row: see `secateur.features.history.counters`."""
    key = [row[name] for name in counter.keys]
    if counter.within:
        rows = of_session(row, rows)
    if None in key:
        return {counter.field(measure): None for measure in counter.measures}
    today = date.fromisoformat(min(row["day"], day_of(row["time_ms"])))
    known = sorted(
        (known_ms(other), other["time_ms"], _outcome(other, counter))
        for other in rows
        if [other[name] for name in counter.keys] == key
        and _outcome(other, counter) is not None
        and _is_known(other, row, today, counter)
    )[-counter.last if counter.last else 0 :]
    positives = sum(outcome for *_, outcome in known)
    prior = counter.prior_events
    rate = (positives + prior * counter.prior_rate) / (len(known) + prior)
    rounded = Decimal(repr(rate)).quantize(Decimal("0.0001"), ROUND_HALF_UP)
    found: Values = {"events": len(known), "positives": positives, "rate": float(rounded)}
    found["gap"] = (row["time_ms"] - known[-1][1]) // 1000 if known else None
    found["age"] = (row["time_ms"] - known[0][1]) // 1000 if known else None
    return {counter.field(measure): found[measure] for measure in counter.measures}


def _outcome(row: Row, counter: Counter) -> int | None:
    if counter.of is None:
        outcome: int | None = row["label"]
        return outcome
    if counter.at_least is None:
        return {"0": 0, "1": 1}.get(row[counter.of])
    text = row[counter.of] or ""
    spelled = re.fullmatch(r"[+-]?\d+(\.\d+)?(e\d+)?\n?", text)
    return int(float(text) >= counter.at_least) if spelled else None


def _is_known(other: Row, row: Row, today: date, counter: Counter) -> bool:
    arrived = date.fromisoformat(other["day"])
    if counter.window_hours:
        start = row["time_ms"] - counter.window_hours * 3_600_000
        return start <= known_ms(other) < row["time_ms"]
    if not counter.within and (today - arrived).days >= (counter.window_days or 7):
        return False
    if arrived < today:
        return True
    return arrived == today and counter.freshness == "event" and other["time_ms"] < row["time_ms"]


def history(row: Row, rows: Sequence[Row], spec: FieldSpec) -> Values:
    """The user's last values before a row, and their types."""
    value, kind = str(spec.shares), spec.type
    if spec.within:
        rows = of_session(row, rows)
    past = [
        (known_ms(other), other["time_ms"], other[value], other[kind] if kind else "")
        for other in rows
        if other["uid"] == row["uid"]
        and known_ms(other) < row["time_ms"]
        and other[value] is not None
        and (kind is None or other[kind] is not None)
        and (other["label"] or not spec.positives_only)
    ]
    last = sorted(known[1:] for known in sorted(past)[-spec.length :])
    found: Values = {spec.name: [item for _, item, _ in last]}
    return found | ({f"{spec.name}_types": [t for *_, t in last]} if kind else {})


GAP_MS = 150 * 60_000


def of_session(row: Row, rows: Sequence[Row]) -> list[Row]:
    """The events of the user's session that a row lies in, if it lies in one."""
    own = [other for other in rows if other["uid"] == row["uid"]]
    start = session_start(row, own)
    return [other for other in own if start is not None and session_start(other, own) == start]


def session_start(row: Row, own: Sequence[Row]) -> int | None:
    """When the session began that goes on at an event, by what came in time."""
    in_time = sorted({r["time_ms"] for r in own if day_of(r["time_ms"]) == r["day"]}, reverse=True)
    start = None
    for time in in_time:
        if time <= row["time_ms"] and (start or row["time_ms"]) - time <= GAP_MS:
            start = time
    return start


def known_ms(row: Row) -> int:
    """When the event was known: at once, or at the end of the night before it arrived."""
    return max(row["time_ms"], midnight_ms(row["day"]) - 1)


def pieces(text: str | None, spec: FieldSpec) -> list[str]:
    """The values in a text."""
    spelled = (canonical(part) for part in (text or "").split(spec.separator))
    return [value for value in spelled if value is not None][: spec.length]


def number(text: str | None) -> float:
    """The number in a text, NaN for none."""
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan


def vector(text: str | None, spec: FieldSpec) -> list[float] | None:
    """The vector in a text, if it is one."""
    numbers = [number(part) for part in (text or "").split(spec.separator)]
    whole = len(numbers) == spec.length and all(abs(n) < 3e38 for n in numbers)
    return [float(np.float32(n)) for n in numbers] if whole else None
