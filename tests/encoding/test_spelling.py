"""One spelling of a value, whatever it comes as; every expectation is written down by hand."""

import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import IntEnum, StrEnum

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from secateur.encoding.numbers import number_in, number_of
from secateur.encoding.spelling import canonical, doubles_of, float_of

TEXTS = {
    "1.0": "1",
    "-12.000": "-12",
    "1.50": "1.50",
    "1.0.0": "1.0.0",
    ".0": ".0",
    "7.": "7.",
    "0": "0",
    "-0": "0",
    "-0.0": "0",
    " home ": "home",
    "": None,
    "   ": None,
    "\t": "\t",
    "[]": None,
    "[7.0]": "[7.0]",
    "\u00a0": "\u00a0",
    "1.0\n": "1.0\n",
    "1.0\r": "1.0\r",
    "1.0\u2028": "1.0\u2028",
    "\u0661.0": "\u0661.0",
    "+1.0": "+1.0",
    "007": "007",
    "007.0": "007",
    "1_000": "1_000",
    "0x1f": "0x1f",
    "NaN": "NaN",
    "inf": "inf",
    "true": "1",
    "False": "0",
    "TRUE": "1",
    "tRUE": "tRUE",
    "1.2345678E7": "12345678",
    "1.23456785E7": "12345678.5",
    "6.5148585e+06": "6514858.5",
    "1e-05": "0.00001",
    "-1.5E-7": "-0.00000015",
    "1e-7": "0.0000001",
    "1e+16": "10000000000000000",
    "1e+19": "10000000000000000000",
    # Hashes and codes that look like numbers.
    "12e4": "12e4",
    "05e15411": "05e15411",
    "1e10": "1e10",
    "5e-1": "5e-1",
    "7e+2": "7e+2",
    "1.5E3": "1.5E3",
    "0e-9": "0e-9",
    "1e+999": "1e+999",
    "1.0E-999": "1.0E-999",
}
Level = IntEnum("Level", {"HIGH": 4})
Tab = StrEnum("Tab", {"HOME": "home"})
ONE_ID = [
    12345678,
    12345678.0,
    "12345678",
    "12345678.0",
    "1.2345678E7",
    " 12345678 ",
    b"12345678",
    np.int64(12345678),
    np.uint32(12345678),
    np.float32(12345678),
    np.float64(12345678),
    np.str_("12345678"),
    np.array(12345678),
    np.array(12345678.0, np.float32),
    Decimal("12345678.00"),
    Decimal("1.2345678E+7"),
    pa.scalar(12345678),
    pa.scalar(12345678.0),
    pa.scalar("12345678"),
    pa.scalar(b"12345678"),
    pa.scalar(Decimal("12345678.0")),
    pa.array(["12345678"]).dictionary_encode()[0],
]
HALF_PAST = datetime(2024, 3, 1, 10, 30, tzinfo=UTC)
VALUES: list[tuple[object, str | None]] = [
    *((value, "12345678") for value in ONE_ID),
    *((value, "1") for value in (True, np.bool_(True), pa.scalar(True), "true", "True")),
    *((value, "0") for value in (False, np.bool_(False), -0.0, np.float32(-0.0), 0)),
    *((value, "0.1") for value in (0.1, np.float32(0.1), np.float16(0.1), Decimal("0.10"))),
    (pa.scalar(0.1, pa.float32()), "0.1"),
    (0.10000000149011612, "0.10000000149011612"),
    (Decimal("1.50"), "1.5"),
    (Decimal(10) ** 30, "1" + "0" * 30),
    (2**64, "18446744073709551616"),
    (2.0**60, "1152921504606846976"),
    (1e19, "10000000000000000000"),
    (5e-324, "0." + "0" * 323 + "5"),
    (0.0001234, "0.0001234"),
    (123456789.5, "123456789.5"),
    (math.inf, "Infinity"),
    (-math.inf, "-Infinity"),
    (Level.HIGH, "4"),
    (Tab.HOME, "home"),
    ([" a b", 7.0, None, True], '["a b","7",null,"1"]'),
    ((1e7, ["x"]), '["10000000","[\\"x\\"]"]'),
    ({"x": 1.0, "y": None}, '{"x":"1","y":null}'),
    ([], None),
    (b"caf\xc3\xa9", "café"),
    (b"a\xff", "a\ufffd"),
    (date(2024, 3, 1), "2024-03-01"),
    (np.datetime64("2024-03-01"), "2024-03-01"),
    (HALF_PAST, "2024-03-01 10:30:00"),
    (HALF_PAST.astimezone(timezone(timedelta(hours=8))), "2024-03-01 10:30:00"),
    (datetime(2024, 3, 1, 0, 0, 0, 250000), "2024-03-01 00:00:00.25"),
    (np.datetime64("2024-03-01T10:30:00"), "2024-03-01 10:30:00"),
    *((v, None) for v in (None, math.nan, np.float32("nan"), np.float64("nan"), b"", " ")),
    *((v, None) for v in (pd.NA, pd.NaT, np.datetime64("NaT"), Decimal("NaN"), pa.scalar(None))),
]


@pytest.mark.parametrize(("text", "spelled"), TEXTS.items(), ids=repr)
def test_texts_are_spelled(text: str, spelled: str | None) -> None:
    assert canonical(text) == spelled
    assert canonical(np.str_(text)) == spelled
    assert canonical(text.encode()) == spelled


@pytest.mark.parametrize(("value", "spelled"), VALUES, ids=lambda v: repr(v)[:40])
def test_values_of_every_type_are_spelled(value: object, spelled: str | None) -> None:
    assert canonical(value) == spelled


@given(
    st.from_regex(r"\A\s?-?\d{0,3}\.?0{0,3}\s?\Z")
    | st.from_regex(r"\A-?[0-9](\.[0-9]{1,3})?[eE][+-]?[0-9]{1,2}\Z")
    | st.text()
    | st.floats().map(repr)
)
def test_spelling_twice_changes_nothing(text: str) -> None:
    once = canonical(text)
    assert canonical(once) == once


@given(st.floats() | st.floats(width=32).map(np.float32) | st.integers() | st.booleans())
def test_a_numbers_spelling_spells_the_number(value: float) -> None:
    spelled, number = canonical(value), number_of(value)
    assert math.isnan(number) if spelled is None else number_in(spelled) == number


@given(st.lists(st.floats(width=32)), st.sampled_from([np.float16, np.float32, np.float64]))
def test_floats_of_any_size_stand_for_their_shortest_text(
    values: list[float], kind: type[np.floating]
) -> None:
    with np.errstate(over="ignore"):
        floats = np.array(values, np.float64).astype(kind)
    found = doubles_of(floats)
    assert np.array_equal(found, [float_of(value) for value in floats], equal_nan=True)
    with np.errstate(over="ignore"):
        assert np.array_equal(found.astype(kind), floats, equal_nan=True)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", 1),
        (" 1.50\t", 1.5),
        ("-.5", -0.5),
        ("7.", 7),
        ("+3e2", 300),
        ("true", 1),
        ("Infinity", math.inf),
        ("-inf", -math.inf),
    ],
)
def test_texts_that_spell_a_number(text: str, number: float) -> None:
    assert number_of(text) == number_in(text) == number


@pytest.mark.parametrize(
    "value", ["1_000", "\u0661", "\u00a01", "1 2", "0x10", "1d", "x", "", None, "nan", b"x", pd.NA]
)
def test_values_that_spell_no_number(value: object) -> None:
    assert math.isnan(number_of(value))


def test_a_float32_is_the_number_of_its_text() -> None:
    assert number_of(np.float32(0.7)) == 0.7
    assert number_of(pa.scalar(0.7, pa.float32())) == 0.7
    assert number_of(np.float32(16777217)) == 16777216
    assert number_of(Decimal("0.1")) == 0.1
    assert number_of(True) == number_of(np.bool_(1)) == 1
