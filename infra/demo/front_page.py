"""What a news site asks of its model: which articles of the newest day's pages will be clicked?

The site knows its articles, and counts every page as soon as its clicks are known.
"""

import csv
import gzip
from collections import defaultdict, deque
from collections.abc import Iterator
from pathlib import Path

LOGS = Path(__file__).parents[2] / "var" / "news"

# As the scenario's [features] counters have them.
HOUR_MS = 3_600_000
NEWS_HOURS, NEWS_PRIOR, PRIOR, RATE = 12, 50, 10, 0.1
READ = 20

Row = dict[str, str]


def read(path: Path) -> Iterator[Row]:
    """Rows of a gzipped TSV."""
    with gzip.open(path, "rt", newline="") as file:
        yield from csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)


class Site:
    """What readers saw and clicked so far."""

    def __init__(self, articles: dict[str, Row]) -> None:
        self.articles = articles
        self.of_news: dict[str, deque[tuple[int, int]]] = defaultdict(deque)
        self.of_key: dict[tuple[str, ...], tuple[int, int]] = defaultdict(lambda: (0, 0))
        self.read: dict[str, deque[str]] = defaultdict(lambda: deque(maxlen=READ))

    def see(self, user: str, ms: int, shown: list[tuple[str, int]]) -> None:
        """Count a page."""
        for news, clicked in shown:
            category = self.articles[news]["category"]
            self.of_news[news].append((ms, clicked))
            for key in ((user,), (user, category)):
                events, positives = self.of_key[key]
                self.of_key[key] = events + 1, positives + clicked
        clicks = sorted(self.articles[news]["category"] for news, clicked in shown if clicked)
        self.read[user].extend(clicks)

    def offer(self, user: str, ms: int, news: str, published: str, place: int) -> dict[str, object]:
        """One article of a page, with the model's inputs by their names."""
        article = self.articles[news]
        seen = self.of_news[news]
        while seen and seen[0][0] < ms - NEWS_HOURS * HOUR_MS:
            seen.popleft()
        clicks = sum(clicked for _, clicked in seen)
        of_both = self.of_key[user, article["category"]]
        return {
            "user_id": user,
            "news": news,
            "category": article["category"],
            "title": article["title"],
            "age_minutes": (ms - int(published)) // 60_000,
            "position": place,
            "read": list(self.read[user]),
            "news_12h_events": len(seen),
            "news_12h_rate": rate(len(seen), clicks, NEWS_PRIOR),
            "user_id_x_category_10d_events": of_both[0],
            "user_id_x_category_10d_rate": rate(*of_both, PRIOR),
            "user_id_10d_rate": rate(*self.of_key[user,], PRIOR),
        }


def rate(events: int, positives: int, prior: int) -> float:
    """A smoothed share of positives."""
    return round((positives + prior * RATE) / (events + prior), 4)


def requests(_label: str) -> tuple[list[dict[str, object]], list[int]]:
    """The newest day's pages, each with all that the site knows at its moment, and the clicks."""
    site = Site({row["news"]: row for row in read(LOGS / "articles.tsv.gz")})
    *earlier, newest = sorted(LOGS.glob("events/*/impressions.tsv.gz"))
    offers: list[dict[str, object]] = []
    labels: list[int] = []
    for day in (*earlier, newest):
        for page in read(day):
            user, ms = page["user_id"], int(page["time"])
            marks = (one.rsplit("-", 1) for one in page["candidates"].split(" "))
            shown = [(news, int(clicked)) for news, clicked in marks]
            if day == newest:
                born = page["published"].split(" ")
                for place, ((news, clicked), at) in enumerate(zip(shown, born, strict=True), 1):
                    offers.append(site.offer(user, ms, news, at, place))
                    labels.append(clicked)
            site.see(user, ms, shown)
    return offers, labels
