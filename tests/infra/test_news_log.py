"""The planted news site: its truth is the best there is, and its logs are the same every time."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from bench.data.news_log import TRUTH, main, write_clicks, write_impressions
from bench.data.news_world import HOUR_MS, LIFE_HOURS, World
from secateur.auc import auc

SMALL = World(days=2, readers=80, pages_a_day=400)


def test_nothing_ranks_clicks_better_than_the_planted_chances() -> None:
    pages = list(SMALL.impressions())
    clicked = np.concatenate([page.clicked for page in pages]).astype(np.int8)
    chances = np.concatenate([page.chances for page in pages])
    place = np.concatenate([-np.arange(len(page.shown)) for page in pages])
    born = SMALL.articles.born
    age = np.concatenate([born[page.shown] - page.ms for page in pages])
    best, by_place, by_age = (
        auc(clicked, score.astype(np.float32)) or 0 for score in (chances, place, age / HOUR_MS)
    )
    assert best > max(by_place, by_age) + 0.1 > 0.65
    assert abs(clicked.mean() - chances.mean()) < 0.01
    assert (-age < LIFE_HOURS * HOUR_MS).all()


def test_clicks_follow_tastes_and_nobody_clicks_twice() -> None:
    clicks = list(SMALL.clicks(3000))
    assert len({click[:2] for click in clicks}) == len(clicks)
    tastes = [
        SMALL.tastes[reader, SMALL.articles.category[article]] for reader, article, _ in clicks
    ]
    assert np.mean(tastes) > 0.5
    for _, article, ms in clicks:
        assert 0 < ms - SMALL.articles.born[article] < LIFE_HOURS * HOUR_MS


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_impressions(SMALL, tmp_path / name)
        write_clicks(SMALL, 500, tmp_path / name / "clicks")
    files = sorted(path for path in (tmp_path / "one").rglob("*") if path.is_file())
    assert len(files) == 2 + 1 + 1 + 2
    for file in files:
        other = tmp_path / "two" / file.relative_to(tmp_path / "one")
        assert file.read_bytes() == other.read_bytes()
    truth = json.loads((tmp_path / "one" / TRUTH).read_text())
    assert list(truth["best_auc_by_day"]) == ["2025-03-10", "2025-03-11"]


def test_a_service_offers_what_its_site_knows_at_the_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "infra" / "demo")
    import front_page

    write_impressions(SMALL, tmp_path)
    monkeypatch.setattr(front_page, "LOGS", tmp_path)
    offers, labels = front_page.requests("candidates")
    newest = gzip.decompress((tmp_path / "events/date=2025-03-11/impressions.tsv.gz").read_bytes())
    marked = [line.split("\t")[3] for line in newest.decode().splitlines()[1:]]
    assert labels == [int(one[-1]) for line in marked for one in line.split(" ")]
    assert [offer["position"] for offer in offers[:10]] == list(range(1, 11))
    seen = sum(len(page.shown) for page in SMALL.impressions())
    assert offers[-1]["user_id_x_category_10d_events"] < seen
    assert all(0 <= offer["age_minutes"] < 720 for offer in offers)
    assert max(len(offer["read"]) for offer in offers) == front_page.READ


def test_the_command_writes_the_log_that_is_asked_for(tmp_path: Path) -> None:
    main([str(tmp_path / "clicks"), "--clicks", "300", "--seed", "3"])
    assert not (tmp_path / "clicks" / TRUTH).exists()
    rows = sum(
        len(gzip.decompress(file.read_bytes()).splitlines()) - 1
        for file in (tmp_path / "clicks").rglob("*.gz")
    )
    assert rows == 300
