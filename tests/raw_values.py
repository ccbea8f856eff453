"""Raw values of every kind, by the type in which a log holds them, made from a seed.

Numbers from 2^63 on have few digits: of the others Java before 19 may print another last digit.
"""

import datetime as dt
import random
from collections.abc import Callable, Sequence
from decimal import Decimal

import numpy as np
import pyarrow as pa

TEXTS: Sequence[str] = [
    *("", " ", "   ", "\t", "\u00a0", "\u00a07\u00a0", " 7 ", "7\t", "\u0667", "\u00bd", "e\u0301"),
    *("7", "7.0", "7.00", "07", "+7", "-7", "-0", "-0.0", ".5", "7.", "1_000", "0x1f", "1d", "1f"),
    *("1e5", "12e4", "05e15411", "1e16", "1e+16", "1.2345678E7", "1e-05", "1.0E-5", "1e-7", "5e-1"),
    *("true", "True", "TRUE", "false", "FALSE", "None", "null", "nan", "NaN", "inf", "-Infinity"),
    *("a|b", "|", "a||b", "\t|a", " 7.0 |7| ", "a b", "1,2", "1, 2.5", "1,2,3", "1,x", "1,,2", ","),
    *(
        "1e400,1",
        "3.5e38,1",
        "-0.0,1e-50",
        "0.1,0.2",
        "true,1",
        "9" * 25,
        "-" + "9" * 19,
        "é",
        "日",
    ),
]
FLOATS: Sequence[float] = [
    *(0.0, -0.0, 0.1, 0.7, 1.5, -2.25, 1e-5, 1e-4, 1e-3, 1e7, 12345678.0, 123456789.5, 2.0**53),
    *(2.0**62, -(2.0**63), 2.0**63, 1e16, 1e19, 1e22, 1e300, 5e-324, 3.5e38, 1 / 3, 1e-45),
    *(float("inf"), float("-inf"), float("nan"), 16777217.0, 0.10000000149011612),
]
CHARACTERS = "ab01.9-+eE _|,\t\u00a0٣é"


def text(dice: random.Random) -> str:
    """Mostly text that looks like something else."""
    if dice.random() < 0.4:
        return dice.choice(TEXTS)
    if dice.random() < 0.3:
        return repr(number(dice))
    return "".join(dice.choices(CHARACTERS, k=dice.randrange(9)))


def number(dice: random.Random) -> float:
    """A double of any size."""
    kinds: Sequence[Callable[[], float]] = (
        lambda: dice.choice(FLOATS),
        lambda: float(dice.randrange(-50, 50)),
        lambda: dice.randrange(-(10**9), 10**9) / 10 ** dice.randrange(10),
        lambda: dice.uniform(-1, 1) * 10.0 ** dice.randrange(-30, 18),
        lambda: dice.randrange(1, 1000) * 10.0 ** dice.randrange(18, 200),
    )
    return dice.choice(kinds)()


def whole(dice: random.Random) -> int:
    """A whole number of at most 64 bits, most of them small."""
    return dice.randrange(-50, 50) if dice.random() < 0.5 else dice.randrange(-(2**63), 2**63)


def narrow(dice: random.Random) -> float:
    """A float32."""
    with np.errstate(over="ignore"):
        return float(
            np.float32(dice.choice([number(dice), dice.random(), dice.randrange(300) / 10]))
        )


def moment(dice: random.Random) -> dt.datetime:
    """A moment with or without a fraction."""
    fraction = dice.choice([0, 250_000, dice.randrange(10**6)])
    return dt.datetime(2024, 1, 1) + dt.timedelta(
        seconds=dice.randrange(10**8), microseconds=fraction
    )


Make = Callable[[random.Random], object]
TYPES: dict[str, tuple[Make, pa.DataType]] = {
    "text": (text, pa.string()),
    "words": (lambda dice: dice.choice(TEXTS), pa.dictionary(pa.int32(), pa.string())),
    "whole": (whole, pa.int64()),
    "small": (lambda dice: dice.randrange(-50, 50), pa.int16()),
    "double": (number, pa.float64()),
    "float": (narrow, pa.float32()),
    "boolean": (lambda dice: dice.random() < 0.5, pa.bool_()),
    "unsigned": (lambda dice: dice.randrange(2**64), pa.uint64()),
    "byte": (lambda dice: dice.randrange(-128, 128), pa.int8()),
    "unsigned byte": (lambda dice: dice.randrange(256), pa.uint8()),
    "codes": (lambda dice: dice.randrange(9), pa.dictionary(pa.int16(), pa.int64())),
    "large": (text, pa.large_string()),
    "decimal": (
        lambda dice: Decimal(dice.randrange(-(10**6), 10**6)).scaleb(-3),
        pa.decimal128(9, 3),
    ),
    "binary": (lambda dice: dice.choice([text(dice).encode(), dice.randbytes(3)]), pa.binary()),
    "date": (lambda dice: moment(dice).date(), pa.date32()),
    "moment": (moment, pa.timestamp("us")),
    "instant": (lambda dice: moment(dice).replace(tzinfo=dt.UTC), pa.timestamp("us", "UTC")),
    "nanoseconds": (lambda dice: dice.randrange(-(10**18), 10**18), pa.timestamp("ns")),
}


def column(name: str, rows: int, seed: int) -> pa.Array:
    """So many values of a type, some of them missing."""
    make, kind = TYPES[name]
    dice = random.Random(f"{name} {seed}")
    values = [None if dice.random() < 0.05 else make(dice) for _ in range(rows)]
    if pa.types.is_dictionary(kind):
        return pa.array(values, kind.value_type).dictionary_encode()
    return pa.array(values, kind)
