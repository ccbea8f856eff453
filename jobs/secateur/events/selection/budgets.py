"""How many rows of a log a night may lose, and for what."""

from secateur.contracts.data import CleaningCounts
from secateur.contracts.errors import QuarantineExceeded, Refused
from secateur.scenario import Cleaning


def in_words(counts: CleaningCounts) -> str:
    """Where every row went, in one line, and how many events the kept ones are."""
    parts = ("kept", "deduplicated", "quarantined", "filtered", "outside")
    found = {part: getattr(counts, part) for part in parts}
    told = (f"{rows:,} {part}" for part, rows in found.items() if rows or part == "kept")
    events = f"; {counts.events:,} events" if counts.events != counts.kept else ""
    drawn = f", {counts.sampled:,} of them drawn" if counts.sampled else ""
    return f"{counts.rows_in:,} rows: {', '.join(told)}{events}{drawn}"


def demand_within_budgets(counts: CleaningCounts, cleaning: Cleaning, evidence: str) -> None:
    """Insist that few enough rows were unusable, repeat others or lie outside the window.

    Raises QuarantineExceeded and Refused, naming the `evidence`, the URI of what was sealed.
    """
    outside = counts.outside / counts.rows_in
    if not counts.kept:
        why = f"{counts.reasons}; see {evidence}/quarantine"
        raise QuarantineExceeded(f"{in_words(counts)}: none is left to be an event: {why}")
    if outside > cleaning.outside_budget:
        raise Refused(
            f"{in_words(counts)}; {outside:.2%} lie on days outside the window, the outside_budget "
            f"is {cleaning.outside_budget:.2%}: is the window right, and how times are read?"
        )
    rows, budget = counts.examined_rows, cleaning.quarantine_budget
    share = counts.quarantined / rows
    if share > budget:
        raise QuarantineExceeded(
            f"{counts.quarantined:,} of {rows:,} rows ({share:.2%}) are unusable, the budget "
            f"is {budget:.2%}: {counts.reasons}; see {evidence}/quarantine"
        )
    _demand_few_repetitions(counts, cleaning)


def _demand_few_repetitions(counts: CleaningCounts, cleaning: Cleaning) -> None:
    """Rows whose number becomes a column of their event are not lost, however many they are."""
    usable = counts.kept + counts.deduplicated
    share, budget = counts.deduplicated / usable, cleaning.deduplication_budget
    if cleaning.count_repetitions is None and share > budget:
        examples = "; ".join(f"{key} {n:,} times" for key, n in counts.most_repeated.items())
        raise Refused(
            f"{counts.deduplicated:,} of {usable:,} usable rows ({share:.2%}) repeat another in "
            f"all of {', '.join(cleaning.deduplicate_on)}, the deduplication_budget is "
            f"{budget:.2%}. The most repeated: {examples}"
        )
