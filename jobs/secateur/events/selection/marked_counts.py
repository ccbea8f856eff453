"""What one pass over the marked rows counts, by file and day, for all that ask it of them."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F  # noqa: N812

from secateur.events.cleaning import FILTERED, REASONS
from secateur.events.instants import TIME_MS, TOLD_MS
from secateur.events.raw_rows import DAY, REPEATED_HEADER, SOURCE

UNKNOWN_DAY = "unknown"


@dataclass(frozen=True)
class MarkedCounts:
    """A part a file and day, null for none, with its `rows` and how many of them are what."""

    parts: Sequence[Row]

    @property
    def by_file(self) -> Counter[str]:
        """Rows, header lines among them, of each file."""
        return self._sums(SOURCE, "rows")

    @property
    def by_day(self) -> Counter[str]:
        """Rows of each day; those without one are of `UNKNOWN_DAY`."""
        return self._sums(DAY, "rows")

    @property
    def filtered_rows(self) -> Counter[str]:
        """Rows of each day that the scenario leaves out, or that are of erased users."""
        return self._sums(DAY, "filtered")

    @property
    def times_fit(self) -> bool:
        """Whether as many times are of a plausible era as are not."""
        return bool(sum(part["implausible"] - part["plausible"] for part in self.parts) <= 0)

    @property
    def any_rejected(self) -> bool:
        """Whether a row is unusable: a file's header, the first line that spells it, is no row."""
        rejected, headers = self._sums(SOURCE, "rejected"), self._sums(SOURCE, "headers")
        return any(rows > (headers[file] > 0) for file, rows in rejected.items())

    def elsewhere(self, days: Collection[str]) -> int:
        """How many rows are of none of these days, without the files' headers."""
        others = [part for part in self.parts if (part[DAY] or UNKNOWN_DAY) not in days]
        headers = {part[SOURCE] for part in others if part["headers"]}
        return sum(int(part["rows"]) for part in others) - len(headers)

    def _sums(self, key: str, measure: str) -> Counter[str]:
        found: Counter[str] = Counter()
        for part in self.parts:
            found[part[key] or UNKNOWN_DAY] += part[measure]
        return found


def count_marked(marked: DataFrame) -> MarkedCounts:
    """Count the rows that `cleaning.mark` gives."""
    counted = marked.groupBy(SOURCE, DAY).agg(
        F.count("*").alias("rows"),
        F.count_if(F.array_contains(REASONS, REPEATED_HEADER)).alias("headers"),
        F.count_if(F.size(REASONS) > 0).alias("rejected"),
        F.count_if(FILTERED).alias("filtered"),
        F.count(TIME_MS).alias("plausible"),
        F.count(TOLD_MS).alias("implausible"),
    )
    return MarkedCounts(counted.collect())
