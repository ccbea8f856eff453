"""Write every file of a Package."""

from pathlib import Path

import numpy as np

from secateur.artifacts import Draft
from secateur.contracts import record
from secateur.contracts.candidates import Recipe
from secateur.contracts.features import FeatureSchema
from secateur.model.architectures.recommender import Recommender
from secateur.model.data.inputs import Inputs
from secateur.packaging.arrangement import arrange
from secateur.packaging.card import write_card
from secateur.packaging.graph.build import build_graph
from secateur.packaging.graph.take_apart import parts_of
from secateur.packaging.skew.fake_quantized import fake_quantized
from secateur.packaging.skew.learned_schema import demand_learned_schema
from secateur.packaging.skew.read_back import demand_files_as_packed
from secateur.packaging.skew.skew_check import ScoredHeldOut, demand_no_skew
from secateur.packaging.source import Source, cut_schema
from secateur.serving.files import compression, golden, layout, package
from secateur.serving.files.tables import is_mapped, pack_table, write_mapped

GOLDEN_ROWS = 64


def write_package(
    draft: Draft,
    model: Recommender,
    recipe: Recipe,
    source: Source,
    calibration: Inputs,
    title: str,
) -> None:
    """Write the package of a model; `calibration` are typical rows [n], see `parts_of`.


    Raises SkewRefused where the client scores held-out rows otherwise, from the files written, than
    the model with the numbers in them, where these hold other rows or values than were packed, or
    where the schema is not the features'.
    The golden rows are some of the held-out ones, with the model's scores.
    """
    schema = cut_schema(source.schema, model.spec)
    demand_learned_schema(schema, source.schema, source.vocabulary)
    arranged = arrange(schema, source.vocabulary, source.counts, recipe)
    parts = parts_of(model, recipe, calibration, arranged.rows, schema.request_places)
    if recipe.tower_bits == 32:
        _write(draft, layout.MODEL, build_graph(parts))
    else:
        _write(draft, layout.PACKED_MODEL, compression.compress(build_graph(parts)))
    table = parts.table
    if is_mapped(table.rows):
        write_mapped(draft.folder / layout.MAPPED_TABLE, table.rows)
    else:
        packed = pack_table(table.rows, table.segments, table.words, table.books)
        _write(draft, layout.TABLE, packed)
    _write(draft, layout.VOCABULARY, arranged.vocabulary)
    _write(draft, layout.SCHEMA, compression.compress(record.canonical_json(schema)))
    _write(draft, layout.RECIPE, record.canonical_json(recipe))
    reference = fake_quantized(model, recipe, parts, arranged.rows, calibration)
    contents = package.read_package(draft.folder)
    scored = demand_no_skew(contents, reference, arranged.rows, source)
    demand_files_as_packed(contents, schema, table.rows, arranged.values)
    made = _golden_rows(scored, schema)
    _write(draft, layout.GOLDEN, compression.compress(record.canonical_json(made)))
    sizes = file_bytes(draft.folder)
    card = write_card(title, schema, model.spec, recipe, source, sizes)
    _write(draft, layout.CARD, card.encode())


def _golden_rows(scored: ScoredHeldOut, schema: FeatureSchema) -> golden.Golden:
    """Some of the rows that any machine scores alike, spread evenly."""
    safe = np.flatnonzero(scored.safe)
    places = safe[np.linspace(0, len(safe) - 1, min(GOLDEN_ROWS, len(safe))).astype(np.int64)]
    columns = scored.rows.take(places).columns
    read = {one.name: columns[one.name] for one in schema.inputs}
    return golden.golden_rows(read, scored.probabilities[places], schema.tasks)


def file_bytes(folder: Path) -> dict[str, int]:
    """Bytes of each file of a package written so far."""
    names = (layout.MODEL, layout.PACKED_MODEL, layout.TABLE, layout.MAPPED_TABLE)
    others = (layout.VOCABULARY, layout.SCHEMA, layout.RECIPE, layout.GOLDEN)
    found = (folder / name for name in (*names, *others))
    return {path.name: path.stat().st_size for path in found if path.exists()}


def _write(draft: Draft, name: str, data: bytes) -> None:
    (draft.folder / name).write_bytes(data)
