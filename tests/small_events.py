"""EventSets sealed by hand, so that each test says which rows it holds, and the verbs on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from secateur import scenario
from secateur.artifacts import Artifact, create
from secateur.contracts.artifact_files import COUNTS
from secateur.contracts.data import CleaningCounts, ValidationReport
from secateur.contracts.errors import Refused
from secateur.contracts.judgement import Verdict
from secateur.contracts.manifest import MadeBy
from small_log import run_verb, sealed

SCENARIO = """
name = "watched"
title = "Events made by hand"
seed = 1
candidates = []
[logs]
uri = "nowhere"
user = "uid"
item = "item"
time = "at"
[label]
column = "liked"
[cleaning]
deduplicate_on = ["uid", "item", "at"]
[features]
fields = [
    { name = "uid", owner = "user", hashed = true },
    { name = "item", owner = "item" },
    { name = "tab", owner = "context" },
    { name = "seconds", owner = "item", kind = "bucket" },
]
[validation]
min_rows = 1
min_rows_a_split = 1
min_users_a_split = 1
[training]
[judgement]
margin = 0.01
"""

Days = Mapping[str, pd.DataFrame]
EVENTS = pa.schema(
    [
        ("uid", pa.string()),
        ("item", pa.string()),
        ("tab", pa.string()),
        ("seconds", pa.string()),
        ("time_ms", pa.int64()),
        ("label", pa.int32()),
        ("day", pa.string()),
    ]
)


def rows(
    day: str, tabs: Sequence[str | None], seconds: Sequence[str | None], seed: int = 0
) -> pd.DataFrame:
    """Events of one day with these values, the rest made up."""
    dice = np.random.default_rng([seed, *day.encode()])
    count = len(tabs)
    start = pd.Timestamp(day, tz="UTC").value // 1_000_000
    return pd.DataFrame(
        {
            "uid": [f"hash-{user}" for user in dice.integers(0, 9, count)],
            "item": [str(item) for item in dice.integers(0, 20, count)],
            "tab": tabs,
            "seconds": seconds,
            "time_ms": start + 1000 * np.arange(count),
            "label": dice.integers(0, 2, count),
            "day": day,
        }
    )


def plain_rows(day: str, count: int = 50, seed: int = 0) -> pd.DataFrame:
    """Events of one day, of three tabs and of seconds between 0 and 99."""
    dice = np.random.default_rng([seed, 7, *day.encode()])
    tabs = dice.choice(["home", "feed", "search"], count, p=[0.6, 0.3, 0.1]).tolist()
    return rows(day, tabs, [str(n) for n in dice.integers(0, 100, count)], seed)


def counts_of_events(days: dict[str, int]) -> CleaningCounts:
    """What cleaning counts of so many rows a day, none of them unusable."""
    total = sum(days.values())
    return CleaningCounts(total, total, 0, 0, {}, days, total)


@dataclass
class Nights:
    """A folder of sealed artifacts and the scenario they were made by."""

    folder: Path

    @property
    def state(self) -> Path:
        """What accepted nights left behind."""
        return self.folder / "state"

    def events(
        self, name: str, days: Days, schema: pa.Schema = EVENTS, **promised: int
    ) -> Artifact:
        """Seal an EventSet; of the days `promised` cleaning counted other rows than are there."""
        with create(str(self.folder / name), "EventSet") as draft:
            for day, frame in days.items():
                table = pa.Table.from_pandas(frame, schema, preserve_index=False)
                folder = draft.folder / "events" / f"date={day}"
                folder.mkdir(parents=True)
                pq.write_table(table, folder / "part-00000.parquet")
            counted = {day: len(frame) for day, frame in days.items()} | promised
            draft.write(COUNTS, counts_of_events(counted))
            draft.seal(MadeBy("by hand", "0"), {}, {})
        return sealed(str(self.folder / name))

    def run(self, verb: str, *settings: str, **flags: str | Path) -> Artifact:
        """Run a verb in this process; gives what it sealed, whether it refused or not."""
        run_verb(verb, scenario.load_scenario(str(self.folder / "watched.toml"), settings), **flags)
        return sealed(str(flags["output"]))

    def validate(self, events: str, *settings: str) -> Artifact:
        """The report of an EventSet against what was accepted; sealed where it was refused too."""
        output = self.folder / f"{events}_report"
        flags = {"events": self.folder / events, "state": self.state, "output": output}
        try:
            return self.run("validate_events", *settings, **flags)
        except Refused as refusal:
            assert str(output) in str(refusal)
            return sealed(str(output))

    def verdict(self, accepted: bool = True, reason: str = "by hand") -> Path:
        """A sealed verdict."""
        uri = self.folder / f"verdict_{accepted}"
        found = "int8" if accepted else None
        verdict = Verdict(accepted, reason, found, found, None, None, 0.01, None, None, ())
        with create(str(uri), "Verdict") as draft:
            draft.write("verdict.json", verdict)
            draft.seal(MadeBy("by hand", "0"), {}, {})
        return uri

    def dense(self) -> Path:
        """A sealed dense model that leaves nothing to later nights."""
        uri = self.folder / "dense"
        with create(str(uri), "ModelBundle") as draft:
            draft.seal(MadeBy("by hand", "0"), {}, {})
        return uri

    def accept(self, report: str, accepted: bool = True, reason: str = "by hand") -> Artifact:
        """Make a validated night the reference of later ones."""
        flags = {
            "verdict": self.verdict(accepted, reason),
            "events_report": self.folder / report,
            "dense": self.dense(),
        }
        output = self.folder / f"{report}_accepted"
        return self.run("accept_night", **flags, state=self.state, output=output)


def small_nights(folder: Path) -> Nights:
    """An empty folder with the scenario."""
    (folder / "watched.toml").write_text(SCENARIO)
    return Nights(folder)


def report_of(artifact: Artifact) -> ValidationReport:
    """The noun that a report's artifact holds."""
    return artifact.read("report.json", ValidationReport)


def failed(report: ValidationReport) -> set[str]:
    """The rules that broke, as `suite: column rule`."""
    broken = [one for one in report.expectations if not one.success]
    return {f"{one.suite}: {one.column} {one.rule.split('(')[0]}" for one in broken}
