"""What a draft makes of columns: by names that mislead, of lists, of several action types."""

from pathlib import Path

import pytest

from drafted import DAY, ROWS, START, base, drafted, log, names, roles
from secateur.scenario.drafting.night_guesses import NightGuess
from secateur.scenario.drafting.scenario_draft import draft_scenario, make_draft


def test_ratings_become_a_threshold(tmp_path: Path) -> None:
    ratings = tmp_path / "ratings.csv"
    rows = "".join(f"{n % 9},{n % 13},{n % 5 + 1},{1_000_000_000 + n}\n" for n in range(100))
    ratings.write_text("userId,movieId,rating,timestamp\n" + rows)
    made = drafted(ratings, tmp_path)
    assert made["label"] == {"kind": "threshold", "column": "rating", "at_least": 4.0}
    assert roles(made) == {
        "user": "userId",
        "item": "movieId",
        "time": "timestamp",
        "time_format": "s",
    }


def clicks_of_a_news_site(rows: int = ROWS) -> dict[str, list[object]]:
    """Clicks alone, every column of which is named after them."""
    start = [1000 * (START + n * 10 * DAY // rows) for n in range(rows)]
    return {
        "user_id": [n * 7 % 41 for n in range(rows)],
        "session_id": [15_060_000_000 + n // 2 for n in range(rows)],
        "session_start": [start[n // 2 * 2] for n in range(rows)],
        "session_size": [2 for _ in range(rows)],
        "click_article_id": [1000 + n * 11 % 53 for n in range(rows)],
        "click_timestamp": [moment + 4321 for moment in start],
        "click_environment": [n % 3 for n in range(rows)],
        "click_os": [(n * 7 % 41) % 4 for n in range(rows)],
    }


def test_columns_that_begin_with_click_are_no_outcomes(tmp_path: Path) -> None:
    made = drafted(log(tmp_path, clicks_of_a_news_site()), tmp_path)
    assert roles(made) == {
        "user": "user_id",
        "item": "click_article_id",
        "time": "click_timestamp",
        "time_format": "ms",
    }
    assert {"click_environment", "click_os"} <= names(made)
    assert set(made["label"]["negatives"]["shared"]) == {"click_environment", "click_os"}


def test_a_start_time_in_milliseconds_is_a_time_and_no_number(tmp_path: Path) -> None:
    text = draft_scenario(log(tmp_path, clicks_of_a_news_site()))
    assert "# left out: session_start (another time)" in text


def test_counters_of_positives_alone_count_what_a_service_knows(tmp_path: Path) -> None:
    made = drafted(log(tmp_path, clicks_of_a_news_site()), tmp_path)
    assert made["label"]["kind"] == "purchase"
    assert [counter["measures"] for counter in made["features"]["counters"]] == [["positives"]] * 2


@pytest.mark.parametrize(
    ("types", "positive"),
    [
        (["change of sort order", "clickout item", "search for poi"], ["clickout item"]),
        (["view", "addtocart", "transaction"], ["transaction"]),
        (["view", "cart", "purchase"], ["purchase"]),
        (["impression", "click"], ["click"]),
        (["open", "place_order"], ["place_order"]),
    ],
)
def test_the_positive_of_several_types_is_the_one_that_is_wanted(
    types: list[str], positive: list[str], tmp_path: Path
) -> None:
    columns = base() | {"action_type": [types[n % len(types)] for n in range(ROWS)]}
    made = drafted(log(tmp_path, columns), tmp_path)
    label = {"kind": "event_type", "column": "action_type", "positive": positive}
    assert made["label"] == label


def test_types_without_words_are_for_a_person_to_decide(tmp_path: Path) -> None:
    columns = base() | {"behavior_type": [4 if n % 10 == 0 else n % 3 + 1 for n in range(ROWS)]}
    text = draft_scenario(log(tmp_path, columns))
    assert "TO DECIDE 1: which types of behavior_type are positives" in text
    assert "[label] # NOT SURE: the types are 1, 2, 3, 4" in text
    assert drafted(log(tmp_path, columns), tmp_path)["label"]["positive"] == ["4"]


def shown(number: int) -> list[str]:
    """The items that a row shows, another set in each."""
    return [f"h{number * 13 % 97 + 7 * place}" for place in range(number % 3 + 2)]


def test_a_list_of_items_and_the_one_that_was_chosen(tmp_path: Path) -> None:
    columns = base()
    del columns["item_id"]
    columns |= {
        "reference": [shown(n)[n % len(shown(n))] for n in range(ROWS)],
        "impressions": ["|".join(shown(n)) for n in range(ROWS)],
        "prices": ["|".join(str(50 + n % 7) for _ in shown(n)) for n in range(ROWS)],
        "device": [("mobile", "desktop")[n * 7 % 41 % 2] for n in range(ROWS)],
    }
    made = drafted(log(tmp_path, columns), tmp_path)
    label = {"kind": "clicked_list", "column": "impressions", "clicked": "reference"}
    assert made["label"] == label | {"position": "position", "aligned": {"price": "prices"}}
    assert {"position", "price"} <= names(made)
    assert roles(made)["item"] == "item"
    assert "device" in names(made)
    assert not {"reference", "impressions", "prices"} & names(made)
    assert made["features"]["counters"][1]["keys"] == ["item"]


def test_a_films_genres_are_no_list_of_items(tmp_path: Path) -> None:
    genres = [("War|Crime", "Crime|Drama", "Drama|War")[n % 3] for n in range(ROWS)]
    columns = base() | {"genres": genres, "main_genre": [g.split("|")[0] for g in genres]}
    made = drafted(log(tmp_path, columns), tmp_path)
    assert made["label"]["kind"] == "purchase"
    field = next(f for f in made["features"]["fields"] if f["name"] == "genres")
    assert (field["kind"], field["separator"]) == ("list", "|")


def test_days_without_a_year_are_no_item_and_ask_for_their_year(tmp_path: Path) -> None:
    columns = base()
    columns["when"] = [f"{n % 12 + 1}-{n * 7 % 28 + 1}" for n in range(ROWS)]
    del columns["ts"]
    draft = make_draft(log(tmp_path, columns))
    assert (draft.roles.user.name, draft.roles.item.name) == ("user_id", "item_id")
    assert draft.roles.time.name == "when"
    assert "of which year the days in when are" in draft.decide[0]
    unnamed = log(tmp_path, {"a": columns["user_id"], "b": columns["when"]}, "unnamed.csv")
    assert make_draft(unnamed).roles.item.name != "b"


def test_a_coarse_time_does_not_make_events_of_one_hour_equal(tmp_path: Path) -> None:
    columns = base()
    columns["day"] = [f"2024-01-{n % 10 + 1:02d}" for n in range(ROWS)]
    del columns["ts"]
    columns["place"] = [n % 5 for n in range(ROWS)]
    made = drafted(log(tmp_path, columns), tmp_path)
    assert made["cleaning"]["deduplicate_on"] == "none"


def test_what_is_given_back_is_no_purchase(tmp_path: Path) -> None:
    columns = base() | {"Quantity": [-1 if n % 20 == 0 else n % 9 + 1 for n in range(ROWS)]}
    made = drafted(log(tmp_path, columns), tmp_path)
    assert made["cleaning"]["where"] == "try_cast(`Quantity` AS double) > 0"


def test_window_splits_and_training_go_by_the_days_and_rows_of_the_log(tmp_path: Path) -> None:
    made = drafted(log(tmp_path, base()), tmp_path)
    assert made["logs"]["window_days"] == 10
    assert (made["features"]["tune_days"], made["features"]["confirm_days"]) == (1, 1)
    assert made["training"]["batch_size"] == 64
    assert made["training"]["max_epochs"] == 20, "a small log is trained until it converges"


@pytest.mark.parametrize(("rows", "epochs"), [(0, 20), (30_000, 2), (225_877, 1), (500_000, 1)])
def test_training_has_steps_enough_to_converge(rows: int, epochs: int) -> None:
    assert NightGuess(14, 2, (), rows).max_epochs == epochs


@pytest.mark.parametrize(("rows", "size"), [(200_000, 64), (225_877, 128), (601_461, 256)])
def test_an_epoch_has_steps_enough_where_a_second_one_learns_by_heart(rows: int, size: int) -> None:
    night = NightGuess(14, 2, (), rows)
    assert night.batch_size == size
    assert rows / size > 1600


def test_a_stray_row_of_the_future_makes_no_window(tmp_path: Path) -> None:
    columns = base()
    columns["ts"][5] = START + 5000 * DAY
    assert drafted(log(tmp_path, columns), tmp_path)["logs"]["window_days"] == 10


def test_every_guess_says_how_sure_it_is(tmp_path: Path) -> None:
    lines = draft_scenario(log(tmp_path, base())).splitlines()
    guessed = [line for line in lines if line.startswith(("user =", "item =", "time =", "[label]"))]
    guessed += [line for line in lines if line.startswith("    { name =")]
    assert len(guessed) == 8
    assert all(any(f"# {s}: " in g for s in ("sure", "likely", "NOT SURE")) for g in guessed)
