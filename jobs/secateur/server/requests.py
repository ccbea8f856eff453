"""A request of the open inference protocol as columns of raw values, and scores as its answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from secateur.contracts.errors import UsageError
from secateur.contracts.features import FeatureSchema
from secateur.encoding.lists import HISTORY_SEPARATOR, split
from secateur.server.json_bytes import json_bytes, read_json
from secateur.server.tensors import BYTES, BinaryTail, Tensor, read_tensor, tensor_bytes

Columns = dict[str, Any]
Output = NDArray[np.float32] | list[str]

_FLOATS = "FP32"
_DEEPEST = "nested too deeply"


class TooManyRows(UsageError):
    """A request has more candidates than a server takes."""


@dataclass(frozen=True)
class ScoreRequest:
    """What a request asks: scores of `columns`, or with `rank` that many items, best first.

    `outputs` are the names that it wants, all where it says none; those in `binary`, or all where
    it is None, are answered in binary. With `hashed` user ids are keyed hashes.
    """

    columns: Columns
    id: str | None = None
    hashed: bool = False
    rank: int | None = None
    outputs: tuple[str, ...] = ()
    binary: frozenset[str] | None = frozenset()


def read_request(
    body: bytes, json_bytes: int | None, schema: FeatureSchema, row_limit: int
) -> ScoreRequest:
    """Read a body, whose first `json_bytes` are JSON and whose rest is binary, if it says so.

    Raises TooManyRows, UsageError for what is no request.
    """
    head = body if json_bytes is None else body[:json_bytes]
    if len(head) < (json_bytes or 0):
        raise UsageError(f"the JSON ends before its {json_bytes} bytes")
    given = _json_object(head)
    tail = BinaryTail(body[len(head) :])
    inputs = given.get("inputs")
    if not isinstance(inputs, list):
        raise UsageError("a request has inputs")
    tensors = [read_tensor(one, tail) for one in inputs]
    tail.demand_empty()
    parameters = _object(given.get("parameters"), "parameters")
    outputs, binary = _wanted_outputs(given.get("outputs") or [])
    return ScoreRequest(
        columns=_columns_of(tensors, schema, row_limit),
        id=_id(given.get("id")),
        hashed=_of_type(parameters.get("hashed"), bool, "hashed") or False,
        rank=_rank(parameters.get("rank")),
        outputs=outputs,
        binary=None if parameters.get("binary_data_output") is True else binary,
    )


def _json_object(data: bytes) -> Mapping[str, Any]:
    try:
        given = read_json(data)
    except (ValueError, RecursionError) as error:
        reason = _DEEPEST if isinstance(error, RecursionError) else error
        raise UsageError(f"the request is no JSON: {reason}") from error
    return _object(given, "the request")


def _object(given: object, what: str) -> Mapping[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise UsageError(f"{what} is no object")
    return given


def _of_type(given: object, kind: type, what: str) -> Any:  # noqa: ANN401
    if given is not None and type(given) is not kind:
        raise UsageError(f"{what} is {given!r:.60}, no {kind.__name__}")
    return given


def _id(given: object) -> str | None:
    text: str | None = _of_type(given, str, "id")
    try:
        (text or "").encode()
    except UnicodeEncodeError as error:  # JSON may spell half of a surrogate pair
        raise UsageError(f"id is {text!r:.60}, no text in UTF-8") from error
    return text


def _rank(given: object) -> int | None:
    rank: int | None = _of_type(given, int, "rank")
    if rank is not None and rank < 1:
        raise UsageError(f"rank is {rank}: how many items, from 1 on")
    return rank


def _wanted_outputs(given: object) -> tuple[tuple[str, ...], frozenset[str]]:
    """The names of the outputs that a request wants, and those that it wants in binary."""
    if not isinstance(given, list):
        raise UsageError("outputs are a list")
    named = [_object(one, "an output") for one in given]
    names = [_of_type(one.get("name", 0), str, "the name of an output") for one in named]
    binary = (
        name
        for name, one in zip(names, named, strict=True)
        if _object(one.get("parameters"), f"parameters of {name}").get("binary_data") is True
    )
    return tuple(names), frozenset(binary)


def _columns_of(tensors: Sequence[Tensor], schema: FeatureSchema, row_limit: int) -> Columns:
    """Columns by name; a tensor whose first dimension is 1 stands for all candidates."""
    separators: dict[str, str | None] = {field.name: field.separator for field in schema.lists}
    separators |= {field.name: field.separator for field in schema.vectors}
    columns: Columns = {}
    for tensor in tensors:
        rows = tensor.shape[0] if tensor.shape else 1
        if rows > row_limit:
            raise TooManyRows(f"input {tensor.name} has {rows:,} rows, {row_limit:,} are allowed")
        if tensor.name in columns:
            raise UsageError(f"input {tensor.name} comes twice")
        if tensor.name in separators:
            columns[tensor.name] = _many_a_row(tensor, rows, separators[tensor.name])
        else:
            columns[tensor.name] = _one_a_row(tensor, rows)
    return columns


def _one_a_row(tensor: Tensor, rows: int) -> object:
    if len(tensor.values) != rows:
        raise UsageError(
            f"input {tensor.name} has shape {[*tensor.shape]}: one value a row belongs"
        )
    return tensor.values[0] if rows == 1 else tensor.values


def _many_a_row(tensor: Tensor, rows: int, separator: str | None) -> object:
    """Rows of values: of a matrix its own, without empty texts; of texts what each one holds."""
    values = tensor.values
    if len(tensor.shape) > 1:
        if isinstance(values, np.ndarray):
            return values.reshape(rows, -1)
        width = len(values) // rows if rows else 0
        starts = range(0, rows * width, width) if width else [0] * rows
        # What a short row is padded with is no part of it.
        return [[one for one in values[at : at + width] if one not in ("", None)] for at in starts]
    if tensor.datatype != BYTES:
        return [
            [value] for value in (values.tolist() if isinstance(values, np.ndarray) else values)
        ]
    if separator is None:
        return [split(text or "", HISTORY_SEPARATOR) for text in values]
    return values


def answer(
    request: ScoreRequest, model: Mapping[str, str], outputs: Mapping[str, Output]
) -> tuple[bytes, int | None]:
    """The body of an answer, and how many of its bytes are JSON where binary follows.

    `model` are its name and version, as the protocol calls them. Raises UsageError where an output
    is asked for that is not there.
    """
    unknown = sorted(set(request.outputs) - outputs.keys())
    if unknown:
        raise UsageError(f"no outputs {unknown}: there are {[*outputs]}")
    wanted = {name: outputs[name] for name in request.outputs or outputs}
    tails, tensors = [], []
    for name, values in wanted.items():
        tensor: dict[str, Any] = {
            "name": name,
            "datatype": BYTES if isinstance(values, list) else _FLOATS,
            "shape": [len(values)],
        }
        if request.binary is None or name in request.binary:
            tails.append(tensor_bytes(values))
            tensor["parameters"] = {"binary_data_size": len(tails[-1])}
        else:
            tensor["data"] = values if isinstance(values, list) else values.tolist()
        tensors.append(tensor)
    head = json_bytes({**model, **({"id": request.id} if request.id else {}), "outputs": tensors})
    return head + b"".join(tails), len(head) if tails else None
