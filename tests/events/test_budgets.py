"""What a night says of its rows: where they went, and how many events they are."""

from secateur.contracts.data import CleaningCounts
from secateur.events.selection.budgets import in_words


def test_a_night_tells_its_rows_and_its_events() -> None:
    counts = CleaningCounts(2_010, 2_000, 7, 3, {"malformed": 7}, {"2024-03-01": 2_000}, 2_000)
    assert in_words(counts) == "2,010 rows: 2,000 kept, 3 deduplicated, 7 quarantined"


def test_rows_that_show_lists_and_drawn_events_are_told() -> None:
    lists = CleaningCounts(2_000, 2_000, 0, 0, {}, {"2024-03-01": 20_000}, 20_000)
    assert in_words(lists) == "2,000 rows: 2,000 kept; 20,000 events"
    drawn = CleaningCounts(2_000, 2_000, 0, 0, {}, {"2024-03-01": 9_000}, 9_000, sampled=7_000)
    assert in_words(drawn) == "2,000 rows: 2,000 kept; 9,000 events, 7,000 of them drawn"
