"""The one spelling of a categorical value, shared by Spark, the sealed vocabulary and the client.

A log may say 1.0 where the service says 1: whole numbers are spelled without their zeros.
`tests/test_values.py` holds `canonical` and the Spark expression in `events/` equal.
"""

import math
import re

# Not $: it also matches before a last line break, and Java and Python differ in what that is.
WHOLE_NUMBER = r"^(-?\d+)\.0+(?![\s\S])"
_WHOLE = re.compile(WHOLE_NUMBER, re.ASCII)


def canonical(value: object) -> str | None:
    """The spelling of `value` in the vocabulary; None when it is missing.

    Missing are None, NaN, and text that is empty or blank. Surrounding blanks are dropped.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    # numpy's bool, of either name, is none of Python's, but equals 0 or 1 as that does.
    if type(value).__name__ in ("bool", "bool_"):
        return "1" if value else "0"
    text = str(value).strip(" ")
    whole = _WHOLE.match(text)
    return (whole.group(1) if whole else text) or None
