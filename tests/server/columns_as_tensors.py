"""Columns of raw values as a caller would write them down by the protocol's text."""

import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def tensors_of(columns: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """An input a column: texts, numbers with null where one is missing, and padded rows."""
    return [_tensor(name, list(column)) for name, column in columns.items()]


def _tensor(name: str, column: list[Any]) -> dict[str, Any]:
    if any(isinstance(row, list) for row in column):
        rows = [row if isinstance(row, list) else [row] * (row is not None) for row in column]
        width = max(map(len, rows))
        is_vector = any(isinstance(value, float) for row in rows for value in row)
        padding = float("nan") if is_vector else ""
        data = [[*row, *[padding] * (width - len(row))] for row in rows]
        shape, kind = [len(rows), width], "FP64" if is_vector else "BYTES"
    else:
        is_number = any(type(value) is float for value in column)
        is_number = is_number and not any(value in ("", "none") for value in column)
        data = [_number(value) if is_number else _text(value) for value in column]
        shape, kind = [len(column)], "FP64" if is_number else "BYTES"
    return {"name": name, "datatype": kind, "shape": shape, "data": data}


def in_binary(inputs: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], bytes]:
    """The same inputs with their data behind the JSON, little endian, texts after their length."""
    heads, tail = [], b""
    for one in inputs:
        if one["datatype"] == "BYTES":
            texts = [(text or "").encode() for text in np.array(one["data"], object).ravel()]
            data = b"".join(struct.pack("<I", len(text)) + text for text in texts)
        else:
            data = np.array(one["data"], "<f8").tobytes()
        head = {key: value for key, value in one.items() if key != "data"}
        heads.append({**head, "parameters": {"binary_data_size": len(data)}})
        tail += data
    return heads, tail


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
