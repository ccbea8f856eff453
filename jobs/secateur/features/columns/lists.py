"""Texts that hold many values of one vocabulary."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from secateur.scenario import FieldSpec

# `secateur.values.WHOLE_NUMBER` in the syntax of RE2, which looks at nothing ahead.
_WHOLE_NUMBER = r"^(-?[0-9]+)\.0+\z"


def pieces(texts: pa.ChunkedArray, spec: FieldSpec) -> pa.ListArray:
    """The first `length` values between the separators, as `list<string>`; empty for none.

    Each is spelled as `secateur.values.canonical` does; those that are missing are left out first.
    Each distinct text is cut once.
    """
    spelled = texts.combine_chunks().dictionary_encode()
    values = spelled.dictionary.cast(pa.string())
    cut = _shortened(pc.split_pattern(values, spec.separator), spec.length)
    with_none = pa.concat_arrays([cut, pa.array([[]], cut.type)])
    return with_none.take(spelled.indices.fill_null(len(cut)))


def _shortened(lists: pa.ListArray, length: int) -> pa.ListArray:
    """The first `length` values of each list that are not missing."""
    values = pc.utf8_trim(lists.flatten(), characters=" ")
    values = pc.replace_substring_regex(values, pattern=_WHOLE_NUMBER, replacement=r"\1")
    there = pc.not_equal(values, "").to_numpy(zero_copy_only=False)
    offsets = lists.offsets.to_numpy() - lists.offsets[0].as_py()
    before = np.append(0, np.cumsum(there))  # of the values that are there
    first = before[offsets[:-1]]
    parent = np.repeat(np.arange(len(lists)), np.diff(offsets))
    place = before[:-1] - first[parent]
    kept = there & (place < length)
    ends = np.append(0, np.cumsum(kept))[offsets]
    return pa.ListArray.from_arrays(ends.astype(np.int32), values.filter(pa.array(kept)))
