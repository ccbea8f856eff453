"""A news site whose readers' tastes are planted: what is true, and two logs of it.

Articles live for hours: an article loses `AGEING` of its logit every hour, and is shown for
`LIFE_HOURS`. A reader likes categories by a taste of its own, and everyone likes some words of
titles. `impressions` are lists of articles with clicks, as a front page logs them; `clicks` are
what a log holds that keeps no more than what was read. Everything follows from the seed.

How near a model can come to the truth, the number of readers decides: each has a taste of its own,
and a log tells it by that reader's clicks alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
FIRST_MS = 1_741_564_800_000  # 2025-03-10, a Monday, in UTC
CATEGORIES = ("business", "culture", "health", "local", "politics", "science", "sports", "travel")
LIFE_HOURS, AGEING = 12, 0.15
SHOWN, POSITION = 10, 0.12  # articles of a page at most; logit lost from each to the next
WORDS, WORDS_A_TITLE = 160, 6
_BASE = -1.9  # logit of a fresh article on the first place, to a reader without taste
_TASTE, _WORD = 1.2, 0.25  # standard deviations

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Articles:
    """Of every article [n]: its first millisecond, category, words (int [n, 6]) and appeal."""

    born: Ints
    category: Ints
    words: Ints
    appeal: Floats

    def live(self, ms: int) -> Ints:
        """The articles that a page may show at a moment."""
        return np.flatnonzero((self.born < ms) & (self.born > ms - LIFE_HOURS * HOUR_MS))

    def name(self, article: int) -> str:
        """An article's id in the log."""
        return f"N{10_000 + article}"

    def title(self, article: int) -> str:
        """An article's words."""
        return " ".join(f"word{word}" for word in self.words[article])


@dataclass(frozen=True)
class Impression:
    """A page that a reader saw: articles in their order, the chances of a click, the clicks."""

    reader: int
    ms: int
    shown: Ints
    chances: Floats
    clicked: NDArray[np.bool_]


@dataclass(frozen=True)
class World:
    """What is asked for."""

    seed: int = 20250310
    days: int = 10
    readers: int = 300
    articles_a_day: int = 70
    pages_a_day: int = 2000
    spread: float = 0.8  # standard deviation of the log of how often a reader comes
    tastes: Floats = field(init=False, compare=False)
    activity: Floats = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Draw the readers."""
        dice = self.dice(1)
        tastes = dice.normal(0, _TASTE, (self.readers, len(CATEGORIES)))
        weights = dice.lognormal(0, self.spread, self.readers)
        object.__setattr__(self, "tastes", tastes - tastes.mean(1, keepdims=True))
        object.__setattr__(self, "activity", weights / weights.sum())

    def dice(self, salt: int) -> np.random.Generator:
        """Random numbers of their own for each purpose."""
        return np.random.default_rng([self.seed, salt])

    @cached_property
    def articles(self) -> Articles:
        """The articles, by their first moment, from half a day before the first page on."""
        dice, span = self.dice(2), self.days * DAY_MS + LIFE_HOURS * HOUR_MS
        count = round(self.articles_a_day * span / DAY_MS)
        born = FIRST_MS - LIFE_HOURS * HOUR_MS + np.sort(dice.integers(0, span, count))
        words = dice.integers(0, WORDS, (count, WORDS_A_TITLE))
        appeal = dice.normal(0, _WORD, WORDS)[words].sum(1)
        return Articles(born, dice.integers(0, len(CATEGORIES), count), words, appeal)

    def logits(self, reader: int, articles: Ints, ms: int) -> Floats:
        """What draws a reader to each of `articles` [n] at a moment, its place aside."""
        of = self.articles
        hours = (ms - of.born[articles]) / HOUR_MS
        taste: Floats = self.tastes[reader, of.category[articles]]
        return taste + of.appeal[articles] - AGEING * hours

    def impressions(self) -> Iterator[Impression]:
        """The pages by time. Fresh articles stand on top, though not strictly."""
        dice = self.dice(3)
        for ms, reader in self._visits(dice, self.days * self.pages_a_day):
            live = self.articles.live(ms)
            hours = (ms - self.articles.born[live]) / HOUR_MS
            order = np.argsort(hours + dice.exponential(LIFE_HOURS, len(live)))
            shown = live[order][:SHOWN]
            place = POSITION * np.arange(len(shown))
            chances = 1 / (1 + np.exp(-(_BASE + self.logits(reader, shown, ms) - place)))
            yield Impression(reader, ms, shown, chances, dice.random(len(shown)) < chances)

    def clicks(self, count: int) -> Iterator[tuple[int, int, int]]:
        """Reader, article and millisecond of `count` clicks, by time.

        A reader takes one of the live articles that it has not read, by a softmax of its logits.
        """
        dice = self.dice(4)
        read = np.zeros((self.readers, len(self.articles.born)), np.bool_)
        for ms, reader in self._visits(dice, count):
            live = self.articles.live(ms)
            live = live[~read[reader, live]]
            if len(live):
                weights = np.exp(self.logits(reader, live, ms))
                article = int(dice.choice(live, p=weights / weights.sum()))
                read[reader, article] = True
                yield reader, article, ms

    def _visits(self, dice: np.random.Generator, count: int) -> Iterator[tuple[int, int]]:
        times = FIRST_MS + np.sort(dice.integers(0, self.days * DAY_MS, count))
        readers = dice.choice(self.readers, count, p=self.activity)
        return zip(times.tolist(), readers.tolist(), strict=True)
