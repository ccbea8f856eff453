"""Candidates that were encoded beforehand score as when they are encoded with the request."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from secateur.contracts.errors import UsageError
from secateur.contracts.features import ListField
from secateur.serving.encoding.catalogue_items import item_names
from secateur.serving.scorer import Scorer, load

from .conftest import KEY, SCHEMA

CATALOGUE = {
    "item": [100, "101", 102.0, 999, None],
    "tag": ["NORMAL", "a b", None, "3.5", "unseen"],
    "length": [1, 2.5, 3, None, "9"],
}


@pytest.fixture(scope="module")
def scorer(folder: Path) -> Scorer:
    return load(folder, id_key=KEY)


@pytest.mark.parametrize("user", [7, [7, 8, 7], np.array([7, 7, 7])])
@pytest.mark.parametrize("places", [[4, 0, 2], np.array([1, 1, 3])])
def test_they_score_as_if_encoded_with_the_request(
    scorer: Scorer, user: object, places: list[int]
) -> None:
    items = scorer.prepare(CATALOGUE)
    columns = {name: [column[i] for i in places] for name, column in CATALOGUE.items()}
    expected = scorer.score({"user": user, **columns})
    assert expected.std() > 0.001
    assert np.array_equal(scorer.score({"user": user}, items=items.take(places)), expected)
    tasks = scorer.score_tasks({"user": user}, items=items.take(places))
    assert np.array_equal(tasks["liked"], expected)


def test_no_items_no_scores(scorer: Scorer) -> None:
    assert scorer.score({"user": 7}, items=scorer.prepare(CATALOGUE).take([])).shape == (0,)


def test_columns_that_do_not_fit_are_named(scorer: Scorer) -> None:
    items = scorer.prepare(CATALOGUE)
    with pytest.raises(UsageError, match=r"unknown \['tag'\]"):
        scorer.score({"user": 7, "tag": "NORMAL"}, items=items)
    with pytest.raises(UsageError, match=r"missing \['tag'\]"):
        scorer.prepare({"item": [1], "length": [1]})
    with pytest.raises(UsageError, match="columns of 2 rows do not fit 5 items"):
        scorer.score({"user": [7, 8]}, items=items)


def test_candidates_of_more_than_ids_are_refused() -> None:
    tags = ListField("tags", "item", 5, 3, "|")
    seen = replace(tags, name="seen", owner="user")
    assert item_names(replace(SCHEMA, lists=(seen,))) == {"item", "tag", "length"}
    with pytest.raises(UsageError, match=r"candidates with \['tags'\]"):
        item_names(replace(SCHEMA, lists=(tags, seen)))


def test_items_of_another_scorer_are_refused(scorer: Scorer, folder: Path) -> None:
    """A release pulled since may know other items by the same ids."""
    other = load(folder, id_key=KEY)
    with pytest.raises(UsageError, match="prepared by another scorer"):
        other.score({"user": 7}, items=scorer.prepare(CATALOGUE).take([0]))


@pytest.mark.parametrize(
    "mask", [[True, False, True, False, True], np.array([1, 0, 1, 0, 1], bool), iter([0, 2, 4])]
)
def test_a_mask_takes_the_candidates_where_it_is_true(scorer: Scorer, mask: object) -> None:
    items = scorer.prepare(CATALOGUE)
    assert np.array_equal(items.take(mask).ids, items.take([0, 2, 4]).ids)  # type: ignore[arg-type]


@pytest.mark.parametrize("places", [[True], [5], [-1], [0.5], [[0]], ["0"]])
def test_places_that_the_items_do_not_have_are_refused(scorer: Scorer, places: object) -> None:
    with pytest.raises(UsageError):
        scorer.prepare(CATALOGUE).take(places)  # type: ignore[arg-type]
