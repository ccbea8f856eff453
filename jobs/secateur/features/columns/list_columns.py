"""Columns of texts that hold many values of one vocabulary."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from secateur.encoding.lists import may_be_array, parts
from secateur.encoding.spelling import canonical, canonical_text
from secateur.scenario import FieldSpec


def split_texts(texts: pa.ChunkedArray, spec: FieldSpec) -> pa.ListArray:
    """`list<string>` [n] of canonical texts [n]: the first `length` values of each that are there.

    As `encoding.lists.split` and `keep` do. Each distinct text is cut, and each distinct value
    spelled, once.
    """
    distinct = texts.combine_chunks().dictionary_encode()
    values = distinct.dictionary.cast(pa.string())
    lists = _present_values(_cut(values, spec.separator), spec.length)
    with_none = pa.concat_arrays([lists, pa.array([[]], lists.type)])
    return with_none.take(distinct.indices.fill_null(len(lists)))


def _cut(texts: pa.Array, separator: str) -> pa.ListArray:
    """`list<string>` [n] of what canonical texts [n] hold, as `encoding.lists.parts` does."""
    lists = pc.split_pattern(texts, separator)
    may_be = np.array(list(map(may_be_array, texts.to_pylist())), np.bool_)
    if not may_be.any():
        return lists
    held = (parts(text, separator) for text in texts.filter(pa.array(may_be)).to_pylist())
    arrays = pa.array([[canonical(v) or "" for v in values] for values in held], lists.type)
    place = np.arange(len(lists))
    place[may_be] = len(lists) + np.arange(may_be.sum())
    return pa.concat_arrays([lists, arrays]).take(pa.array(place))


def _present_values(lists: pa.ListArray, length: int) -> pa.ListArray:
    """The canonical spellings of the first `length` values of each list that are not missing."""
    distinct = lists.flatten().dictionary_encode()
    spelled = map(canonical_text, distinct.dictionary.cast(pa.string()).to_pylist())
    spellings = pa.array(spelled, pa.string())
    values = distinct.indices.to_numpy()
    there = spellings.is_valid().to_numpy(zero_copy_only=False)[values]
    offsets = lists.offsets.to_numpy() - lists.offsets[0].as_py()
    present_before = np.append(0, np.cumsum(there))
    of_list = np.repeat(np.arange(len(lists)), np.diff(offsets))
    place = present_before[:-1] - present_before[offsets[:-1]][of_list]
    kept = there & (place < length)
    ends = np.append(0, np.cumsum(kept))[offsets]
    return pa.ListArray.from_arrays(ends.astype(np.int32), spellings.take(pa.array(values[kept])))
