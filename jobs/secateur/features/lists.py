"""Texts that hold many values of one vocabulary."""

import re

from pyspark.sql import Column
from pyspark.sql import functions as F  # noqa: N812

from secateur.scenario import FieldSpec
from secateur.values import WHOLE_NUMBER


def pieces(text: Column, spec: FieldSpec) -> Column:
    """The first `length` values between the separators, as `array<string>`; empty for none.

    Each is spelled as `secateur.values.canonical` does; those that are missing are left out first.
    """
    parts = F.transform(F.split(text, re.escape(spec.separator), -1), _canonical)
    present = F.filter(parts, lambda value: value.isNotNull())
    return F.coalesce(F.slice(present, 1, spec.length), F.array().cast("array<string>"))


def _canonical(value: Column) -> Column:
    spelled = F.regexp_replace(F.trim(value), WHOLE_NUMBER, "$1")
    return F.when(spelled != "", spelled)
