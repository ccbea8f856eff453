"""Rows of one day as a log of JSON lines, and the events that they become."""

import json
from pathlib import Path

import pyarrow.parquet as pq

from secateur import scenario
from secateur.contracts.data import CleaningCounts
from small_log import SCENARIO, milliseconds, run_verb, sealed

DAY = "2024-03-06"
Row = dict[str, object]


def cleaned(folder: Path, rows: list[Row], label: str) -> tuple[list[Row], CleaningCounts]:
    """The events of rows of one day, and their counts."""
    target = folder / "events" / f"date={DAY}" / "log.json"
    target.parent.mkdir(parents=True)
    timed = (
        {"uid": f"u{n % 3}", "at": milliseconds(DAY, n)}
        | ({} if "shown" in row else {"item": f"i{n}"})
        | row
        for n, row in enumerate(rows)
    )
    target.write_text("".join(json.dumps(row) + "\n" for row in timed))
    start, end = SCENARIO.index("sides ="), SCENARIO.index("[cleaning]")
    before, after = (part.format(uri=folder) for part in (SCENARIO[:start], SCENARIO[end:]))
    text = before + label + after
    text = text.replace("[logs]", '[logs]\nformat = "json_lines"')
    text = text.replace('"uid", "item", "at"', '"at"')
    text = text.replace("quarantine_budget = 0.5", "quarantine_budget = 0.9")
    lines = (x for x in text.splitlines() if not x.startswith(("missing", "rules")))
    (folder / "s.toml").write_text("\n".join(lines))
    made = scenario.load_scenario(str(folder / "s.toml"))
    day = made.logs.model_copy(update={"window_days": 1})  # too few for a night, not for this verb
    made = made.model_copy(update={"logs": day})
    run_verb("clean_events", made, output=folder / "out")
    events = sealed(str(folder / "out"))
    files = sorted(events.folder.glob("events/*/*.parquet"))
    found = [row for f in files for row in pq.read_table(f, partitioning=None).to_pylist()]
    return found, events.read("counts.json", CleaningCounts)
