"""The keyed hash of `secateur.identity`, computed by Spark's built-in functions.

HMAC-SHA256 (RFC 2104): H((key ^ opad) || H((key ^ ipad) || message)). The two padded keys are
columns of a one-row frame joined to every row, never literals, so that no plan or log shows them.
"""

import hashlib

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from secateur.identity import HEX_DIGITS
from secateur.scenario.raw_log.column_names import INTERNAL

_BLOCK = 64
PADS = INNER, OUTER = f"{INTERNAL}inner_pad", f"{INTERNAL}outer_pad"


def with_pads(frame: DataFrame, key: bytes) -> DataFrame:
    """Add the padded keys to every row, for `hash_of`."""
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    pads = {INNER: [bytes(b ^ 0x36 for b in block)], OUTER: [bytes(b ^ 0x5C for b in block)]}
    one_row = frame.sparkSession.createDataFrame(pa.table(pads))
    return frame.crossJoin(F.broadcast(one_row))


def hash_of(value: Column) -> Column:
    """The keyed hash of a string column: 16 hex digits; null stays null."""
    inner = F.sha2(F.concat(F.col(INNER), F.encode(value, "UTF-8")), 256)
    outer = F.sha2(F.concat(F.col(OUTER), F.unhex(inner)), 256)
    return F.substring(outer, 1, HEX_DIGITS)
