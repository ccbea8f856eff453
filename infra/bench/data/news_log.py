"""Write the planted news site's logs as a site would keep them: a folder a day, articles apart.

    python -m bench.data.news_log FOLDER                   impressions, the log of news.toml
    python -m bench.data.news_log FOLDER --clicks 40000    what was read, and no more

Beside the impressions lies `truth.json`: by day and in all, the AUC of the planted chances, which
no model can beat but by luck. The same seed gives the same bytes.
"""

import argparse
import gzip
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from bench.data.news_world import CATEGORIES, Articles, Impression, World
from secateur.auc import auc

TRUTH = "truth.json"
_IMPRESSIONS = ("impression", "user_id", "time", "candidates", "published")
_ARTICLES = ("news", "category", "title")
_CLICKS = ("user_id", "news", "time", "category", "title", "published")


def write_impressions(world: World, folder: Path) -> None:
    """Write the pages with their clicks, the articles, and the truth."""
    days: dict[str, list[Impression]] = defaultdict(list)
    for page in world.impressions():
        days[day_of(page.ms)].append(page)
    for day, pages in days.items():
        rows = (_page_row(world, day, number, page) for number, page in enumerate(pages))
        write_tsv(folder / "events" / f"date={day}" / "impressions.tsv.gz", _IMPRESSIONS, rows)
    every = world.articles
    rows = (_article_row(every, article) for article in range(len(every.born)))
    write_tsv(folder / "articles.tsv.gz", _ARTICLES, rows)
    best = {day: best_auc(pages) for day, pages in days.items()}
    whole = best_auc([page for pages in days.values() for page in pages])
    truth = {"best_auc": whole, "best_auc_by_day": best}
    (folder / TRUTH).write_text(json.dumps(truth, indent=1) + "\n")


def write_clicks(world: World, count: int, folder: Path) -> None:
    """Write what was read."""
    days: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    for reader, article, ms in world.clicks(count):
        name, *about = _article_row(world.articles, article)
        born = str(world.articles.born[article])
        days[day_of(ms)].append((f"r{reader}", name, str(ms), *about, born))
    for day, rows in days.items():
        write_tsv(folder / "events" / f"date={day}" / "clicks.tsv.gz", _CLICKS, rows)


def best_auc(pages: Sequence[Impression]) -> float:
    """AUC of the planted chances against the clicks."""
    clicked = np.concatenate([page.clicked for page in pages]).astype(np.int8)
    return auc(clicked, np.concatenate([page.chances for page in pages])) or 0.0


def day_of(ms: int) -> str:
    """The day of a millisecond (UTC)."""
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d}"


def write_tsv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a gz file that is the same bytes at every run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join("\t".join(row) + "\n" for row in (header, *rows))
    path.write_bytes(gzip.compress(text.encode(), compresslevel=6, mtime=0))


def _page_row(world: World, day: str, number: int, page: Impression) -> tuple[str, ...]:
    shown = zip(page.shown, page.clicked, strict=True)
    marked = " ".join(f"{world.articles.name(one)}-{int(clicked)}" for one, clicked in shown)
    published = " ".join(map(str, world.articles.born[page.shown]))
    return f"{day}/{number}", f"r{page.reader}", str(page.ms), marked, published


def _article_row(articles: Articles, article: int) -> tuple[str, ...]:
    category = CATEGORIES[articles.category[article]]
    return articles.name(article), category, articles.title(article)


def main(arguments: Sequence[str]) -> None:
    """Write the log that is asked for."""
    flags = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    flags.add_argument("folder", type=Path)
    flags.add_argument("--clicks", type=int, default=0, metavar="N")
    flags.add_argument("--seed", type=int, default=World.seed)
    asked = flags.parse_args(arguments)
    if asked.clicks:
        write_clicks(World(asked.seed), asked.clicks, asked.folder)
    else:
        write_impressions(World(asked.seed), asked.folder)


if __name__ == "__main__":
    main(sys.argv[1:])
