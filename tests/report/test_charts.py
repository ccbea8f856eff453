"""Claims about scales, labels, the Pareto front and the numbers beside them."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secateur.contracts.judgement import Interval
from secateur.report import number_format
from secateur.report.charts import forest, svg
from secateur.report.charts.labels import Box, position_labels
from secateur.report.charts.scatter import Point, front, scatter

positive = st.floats(1e-3, 1e9)
frames = Box(0, 0, 560, 380)


@given(positive, st.floats(1.01, 1e6))
def test_ticks_lie_within_their_scale_in_order(low: float, ratio: float) -> None:
    for log in (False, True):
        ticks = svg.Scale(low, low * ratio, 0, 100, log).ticks()
        assert ticks == sorted(set(ticks))
        assert all(low * (1 - 1e-6) <= tick <= low * ratio * (1 + 1e-6) for tick in ticks)
    assert 2 <= len(svg.even_ticks(low, low * ratio, 6)) <= 7


def test_a_log_scale_gives_equal_room_to_equal_ratios() -> None:
    x = svg.Scale(1, 100, 0, 200, log=True)
    assert [x(value) for value in (1, 10, 100)] == pytest.approx([0, 100, 200])
    assert (x(0.5), x(1000)) == (0, 200)


def point(name: str, cost: float, auc: float) -> Point:
    return Point(name, cost, auc, auc, auc, "passed")


models = st.lists(
    st.builds(point, st.just("m"), st.sampled_from([1.0, 2.0, 3.0]), st.sampled_from([0.7, 0.8])),
    min_size=1,
)


@given(models)
def test_the_front_holds_whom_nobody_beats(points: list[Point]) -> None:
    def beaten(one: Point) -> bool:
        return any(
            (o.cost <= one.cost and o.auc >= one.auc) and (o.cost < one.cost or o.auc > one.auc)
            for o in points
        )

    expected = {(p.cost, p.auc) for p in points if not beaten(p)}
    assert {(p.cost, p.auc) for p in front(points)} == expected
    assert len(front(points)) == len(expected)


def test_labels_of_a_usual_night_do_not_touch() -> None:
    at = [(120, 200), (300, 150), (420, 140), (470, 130), (520, 152), (560, 140), (557, 160)]
    names = ["small_dense", "hybrid_medium", "int8", "rows_freq", "neurons", "dense", "weights_mag"]
    places = position_labels([(float(x), float(y)) for x, y in at], names, [], Box(0, 0, 600, 380))
    for one, other in combinations(places, 2):
        assert one.box.overlap(other.box) < 0.01 * one.box.area
    assert all(
        spot.box.overlap(Box(0, 0, 600, 380)) == pytest.approx(spot.box.area) for spot in places
    )


def test_a_model_far_below_the_gate_is_drawn_on_the_edge_with_its_value() -> None:
    points = [
        Point("dense", 100, 0.73, 0.73, 0.73, "baseline"),
        Point("good", 10, 0.729, 0.728, 0.73, "passed"),
        Point("awful", 5, 0.55, 0.54, 0.56, "failed"),
    ]
    picture = scatter(points, 0.72, number_format.byte_size, "title")
    assert "awful 0.550" in picture
    assert ">0.55<" not in picture  # no axis stretched down to it


def test_the_gate_and_zero_are_in_every_forest_row() -> None:
    deltas = [Interval(-0.001, -0.002, 0.0005, 0.99), Interval(-0.2, -0.21, -0.19, 0.99)]
    x = forest.common_scale(deltas, margin=0.01)
    assert x.low == -0.04  # four margins: the hopeless one does not squeeze the others
    rows = [forest.cell(delta, x, 0.01, "passed") for delta in (*deltas, None)]
    assert all("zero" in row and "gate" in row for row in rows)
    assert "not measured" in rows[-1]


def test_names_are_escaped_in_pictures() -> None:
    assert "<b>" not in scatter([point("<b>", 1, 0.7)], None, number_format.byte_size, "<i>")


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (number_format.byte_size(999), "999 B"),
        (number_format.byte_size(118_000), "118 kB"),
        (number_format.byte_size(2_950_000), "2.95 MB"),
        (number_format.byte_size(999_900), "1.00 MB"),
        (number_format.duration(64.54), "64.5 µs"),
        (number_format.duration(3100), "3.10 ms"),
        (number_format.duration_pair(64.54, 107.6), "64.5 / 108 µs"),
        (number_format.duration_pair(900, 1200), "900 µs / 1.20 ms"),
        (number_format.times_smaller(2_950_000, 118_000), "25.0\N{MULTIPLICATION SIGN}"),
        (number_format.times_smaller(1, 0), "\N{EN DASH}"),
        (number_format.signed_delta(-0.00204), "\N{MINUS SIGN}0.0020"),
        (number_format.signed_delta(-0.00001), "0.0000"),
        (number_format.signed_delta(0.5), "+0.5000"),
        (number_format.percent(0.954, 1), "95.4 %"),
        (
            number_format.without_trailing_zeros("1.50 MB".replace(" ", number_format.SPACE)),
            "1.5 MB",
        ),
        (
            number_format.without_trailing_zeros("200 kB".replace(" ", number_format.SPACE)),
            "200 kB",
        ),
        (number_format.with_true_signs("AUC -0.01, 3.9x smaller"), "AUC −0.01, 3.9× smaller"),  # noqa: RUF001
    ],
)
def test_numbers_as_people_read_them(shown: str, expected: str) -> None:
    assert shown.replace(number_format.SPACE, " ") == expected
