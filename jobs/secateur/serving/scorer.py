"""The client: a Package in memory, from raw values to probabilities.

    scorer = load(folder)
    scores = scorer.score({"user_id": 17, "video_id": [3, 5, 8], ...})

A scalar stands for every candidate of the request, so the user's columns need not be repeated; so
does a single list (see `sequences`).
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from secateur.contracts.errors import UsageError
from secateur.contracts.features import BucketField, ListField, NumberField, VectorField
from secateur.serving import prior
from secateur.serving.encoding.catalogue_items import Items, item_names
from secateur.serving.encoding.encoders import (
    FieldEncoder,
    HashedEncoder,
    KeyedEncoder,
    field_encoders,
)
from secateur.serving.encoding.number_encoder import NumberEncoder, known_numbers
from secateur.serving.encoding.plain_columns import Table, plain_columns
from secateur.serving.encoding.raw_columns import Column, is_scalar, values_of
from secateur.serving.encoding.request_columns import (
    Columns,
    IdColumns,
    candidates,
    no_plain_values,
    select_columns,
)
from secateur.serving.encoding.sequences import encode_list, encode_vector
from secateur.serving.encoding.time_columns import with_time_columns
from secateur.serving.encoding.user_key import UserKey
from secateur.serving.files import golden, layout, package
from secateur.serving.files.package import Contents
from secateur.serving.runtime import Feed, Runtime
from secateur.serving.snapshot_columns import SnapshotColumns
from secateur.snapshot.keyed_tables import StoredSnapshot

Scores = NDArray[np.float32]
Ids = NDArray[np.int32]
Encoders = dict[str, FieldEncoder]


def load(
    release_or_folder: package.HasFolder | Path | str,
    *,
    id_key: bytes | str | None = None,
    threads: int = 1,
    snapshot: package.HasFolder | Path | str | None = None,
    max_age_hours: float | None = None,
) -> "Scorer":
    """Load a Package and see that it scores its golden rows as its model does.

    `id_key` hashes raw user ids; without it the environment's SECATEUR_ID_KEY does. A pulled
    `snapshot` gives requests what they lack, until it is `max_age_hours` old. Raises
    CorruptArtifact for a damaged file, NewerFormat for a package of a later version,
    ReleaseError when the golden scores differ or the snapshot does not fit, UsageError for what
    names no folder.
    """
    folder = package.folder_of(release_or_folder)
    scorer = Scorer(package.read_package(folder), id_key=id_key, threads=threads)
    golden.check_golden(scorer, folder)
    if snapshot is not None:
        scorer.use_snapshot(StoredSnapshot(package.folder_of(snapshot)), max_age_hours)
    return scorer


class Scorer:
    """Encode raw values and score them. Safe to share between threads."""

    def __init__(
        self, contents: Contents, *, id_key: bytes | str | None = None, threads: int = 1
    ) -> None:
        self.schema = contents.schema
        inputs = contents.schema.inputs
        self._names = frozenset(field.name for field in inputs)
        self._shared = frozenset(field.name for field in inputs if field.owner != "item")
        numeric = {f.name for f in inputs if isinstance(f, BucketField | NumberField)}
        missing = contents.schema.missing
        self._absent_numbers = {name: missing[name] for name in numeric & missing.keys()}
        self._user_key = UserKey(id_key, contents.schema.id_key)
        self._keyed: tuple[bytes, Encoders] | None = None
        self._snapshot: SnapshotColumns | None = None
        self._encoders = field_encoders(contents)
        self._numbers = {field.name: NumberEncoder(field) for field in contents.schema.numbers}
        self._runtime = Runtime(contents, threads)
        self._id_columns = {
            name: IdColumns([contents.schema.fields[place] for place in places])
            for name, places in self._runtime.id_places.items()
        }

    def use_snapshot(self, stored: StoredSnapshot, max_age_hours: float | None = None) -> None:
        """From the next request on, take what requests lack from this snapshot.

        Raises ReleaseError where it does not fit the model, or is older than `max_age_hours`.
        """
        self._snapshot = SnapshotColumns(stored, self.schema, max_age_hours)

    def score(
        self, columns: Columns | Table, *, hashed: bool = False, items: Items | None = None
    ) -> Scores:
        """Float32 probabilities [n] of n candidates given as one column a field.

        A column is a sequence or array [n] of raw values, or a scalar that stands for all n; of a
        list or a vector it is [n] sequences or texts, or one that stands for all n. Hours and
        weekdays (`schema.times`) are given, or made of `time_ms`, milliseconds since 1970. With
        `hashed` the user column already holds keyed hashes. Candidates may come as `items`, see
        `prepare`: then `columns` are the others. Raises UsageError for a missing or unknown column,
        for unequal lengths, and for a key that is not the training's.
        """
        return self.score_ids(self.encode(columns, hashed=hashed, items=items))

    def at_rate(self, scores: Scores, rate: float) -> Scores:
        """Probabilities [n] of `scores` [n] where the share `rate` of the offers is taken.

        For a model whose negatives were drawn (`schema.drawn_rate`), see `serving/prior.py`. Raises
        UsageError for another model, and for a rate that is no share.
        """
        return prior.at_rate(scores, self.schema.drawn_rate, rate)

    def rank(
        self, columns: Columns, k: int = 20, *, items: Column = None
    ) -> list[tuple[object, float]]:
        """The `k` best of the snapshot's items with their scores, best first.

        `columns` are the user's and the context's, one value each. `items`, or a column of them
        among these, are ranked in the place of all. Of equal scores the item that stands first
        comes first. Raises UsageError without a snapshot, and for what is no count from 1 on.
        """
        if self._snapshot is None:
            raise UsageError("to rank items, load the model with a snapshot: it knows them")
        if not isinstance(k, int | np.integer) or k < 1:
            raise UsageError(f"k is how many items, from 1 on, not {k!r:.40}")
        own, ranked = self._snapshot.ranked_items(columns, items)
        scores = self.score({**own, self._snapshot.meaning.item: ranked})
        best = np.argsort(-scores, kind="stable")[:k]
        return [(ranked[place], float(scores[place])) for place in best.tolist()]

    @property
    def ranked_item(self) -> str | None:
        """The input by which the snapshot's items are ranked, None without a snapshot."""
        return None if self._snapshot is None else self._snapshot.meaning.item

    def prepare(self, columns: Columns | Table) -> Items:
        """Encode candidates once, by the columns that are theirs, to `score` them many times.

        A request then takes its own of them, `items.take(places)`, and encodes nothing but the
        user. Raises UsageError where the model reads more of a candidate than ids, or all ids in
        one input: a cross network, dot products or a second tower wants them together.
        """
        names = item_names(self.schema)
        if layout.REQUEST_IDS not in self._id_columns:
            raise UsageError("this model has no candidates apart from their request")
        given = self._complete(plain_columns(columns, self.schema), names)
        columns = self._drop_missing(select_columns(names, self.schema.unread, given))
        ids = self._ids(layout.IDS, columns, self._encoders, candidates(columns, {}))
        return Items(ids, self._encoders)

    def score_tasks(
        self, columns: Columns | Table, *, hashed: bool = False, items: Items | None = None
    ) -> dict[str, Scores]:
        """Float32 probabilities [n] of the label and of every further task by name; see `score`."""
        return self.score_task_ids(self.encode(columns, hashed=hashed, items=items))

    def encode(
        self, columns: Columns | Table, *, hashed: bool = False, items: Items | None = None
    ) -> Feed:
        """The model's inputs (see `layout`) for raw values; see `score`."""
        schema = self.schema
        names = self._names if items is None else self._shared
        columns = self._complete(plain_columns(columns, schema), names, hashed=hashed)
        columns = select_columns(names, schema.unread, with_time_columns(columns, schema))
        columns = self._drop_missing(columns)
        encoders = self._encoders if hashed else self._raw_encoders()
        lists = {f.name: self._list(f, columns, encoders) for f in schema.lists}
        vectors = {f.name: self._vector(f, columns) for f in schema.vectors}
        rows = candidates(columns, {**lists, **vectors})
        rows = rows if items is None else items.rows(rows, self._encoders)
        feed: Feed = {} if items is None else {layout.IDS: items.ids}
        for name in self._id_columns.keys() - feed.keys():
            feed[name] = self._ids(name, columns, encoders, rows)
        if schema.numbers:
            feed[layout.NUMBERS] = self._scale_numbers(columns, rows)
        if vectors:
            each = [np.broadcast_to(v, (rows, v.shape[1])) for v in vectors.values()]
            feed[layout.VECTORS] = np.concatenate(each, axis=1)
        return feed | {layout.list_input(name): ids for name, ids in lists.items()}

    def score_ids(self, encoded: Feed) -> Scores:
        """Float32 probabilities [n] of what `encode` gives; ids not held are OOV."""
        return self._runtime.run(self._check_inputs(encoded))

    def score_task_ids(self, encoded: Feed) -> dict[str, Scores]:
        """As `score_tasks`, of what `encode` gives."""
        return self._runtime.run_tasks(self._check_inputs(encoded))

    def _check_inputs(self, encoded: Feed) -> Feed:
        if encoded.keys() != self._runtime.inputs.keys():
            raise UsageError(f"the model reads {sorted(self._runtime.inputs)}, not {[*encoded]}")
        rows = len(encoded[layout.IDS])
        for name, places in self._runtime.id_places.items():
            ids, fields = encoded[name], len(places)
            if ids.ndim != 2 or ids.shape[1] != fields or len(ids) not in (1, rows):
                raise UsageError(f"{name} have shape {ids.shape}, expected [{rows}, {fields}]")
        return encoded

    def ids_of(self, columns: Columns | Table) -> Ids:
        """Int32 ids [n, fields] of raw values, in the schema's order; user ids are keyed hashes."""
        encoded = self.repeat_request(self.encode(columns, hashed=True))
        ids = np.empty((len(encoded[layout.IDS]), len(self.schema.fields)), np.int32)
        for name, places in self._runtime.id_places.items():
            ids[:, places] = encoded[name]
        return ids

    def repeat_request(self, encoded: Feed) -> Feed:
        """What `encode` gives, with a row a candidate of ids that stand for all of them."""
        rows = len(encoded[layout.IDS])
        once = [name for name in self._runtime.id_places if len(encoded[name]) == 1]
        return encoded | {name: encoded[name][np.zeros(rows, int)] for name in once}

    def inputs_of(self, ids: Ids) -> Feed:
        """The model's inputs for int32 ids [n, fields], in the schema's order."""
        return {name: ids[:, places] for name, places in self._runtime.id_places.items()}

    def _complete(
        self, columns: Columns, names: frozenset[str], *, hashed: bool = False
    ) -> Columns:
        """The columns, with those of `names` that the snapshot has."""
        if self._snapshot is None:
            return columns
        return self._snapshot.complete(columns, names, None if hashed else self._user_key.get())

    def _drop_missing(self, columns: Columns) -> Columns:
        """The columns, with nothing for the numbers that the log means a missing one by."""
        absent = self._absent_numbers.keys() & columns.keys()
        if not absent:
            return columns
        known = {name: known_numbers(columns[name], self._absent_numbers[name]) for name in absent}
        return {**columns, **known}

    def _ids(self, name: str, columns: Columns, encoders: Encoders, rows: int) -> Ids:
        """Int32 ids [rows, fields] of the input `name`, or [1, fields] that stand for all rows."""
        side = self._id_columns[name]
        may_be_one = rows == 1 or name == layout.REQUEST_IDS
        once = side.shared_ids(columns, encoders) if may_be_one else None
        return side.ids_by_row(columns, encoders, rows) if once is None else once

    def _scale_numbers(self, columns: Columns, rows: int) -> Scores:
        """Float32 numbers [rows, number fields]."""
        scaled = np.empty((rows, len(self._numbers)), np.float32)
        for j, (name, encoder) in enumerate(self._numbers.items()):
            column = columns[name]
            try:
                scaled[:, j] = encoder.encode([column] if is_scalar(column) else values_of(column))
            except (TypeError, ValueError) as error:
                raise no_plain_values(name, error) from error
        return scaled

    def _list(self, field: ListField, columns: Columns, encoders: Encoders) -> Ids:
        """Int32 ids [rows, longest], or [1, longest] that stand for all rows."""
        encode = encoders[field.shares or field.name].encode
        try:
            absent = self.schema.missing.get(field.name, ())
            return encode_list(field, encode, columns[field.name], absent)
        except (TypeError, ValueError) as error:
            raise no_plain_values(field.name, error) from error

    def _vector(self, field: VectorField, columns: Columns) -> Scores:
        """Float32 [rows, length], or [1, length] that stands for all rows."""
        try:
            return encode_vector(field, columns[field.name])
        except (TypeError, ValueError) as error:
            raise no_plain_values(field.name, error) from error

    @property
    def resident_bytes(self) -> int:
        """Bytes in memory: weights, table and vocabulary, without the libraries' own."""
        return self._runtime.resident_bytes + sum(
            encoder.resident_bytes for encoder in self._encoders.values()
        )

    def _raw_encoders(self) -> Encoders:
        """The encoders, with those of hashed fields hashing first."""
        if not any(field.hashed for field in self.schema.categories):
            return self._encoders
        key = self._user_key.get()
        if self._keyed is None or self._keyed[0] != key:
            encoders = {
                name: KeyedEncoder(encoder, key) if isinstance(encoder, HashedEncoder) else encoder
                for name, encoder in self._encoders.items()
            }
            self._keyed = key, encoders
        return self._keyed[1]
