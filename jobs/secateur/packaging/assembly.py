"""Write every file of a Package."""

from pathlib import Path

from secateur.artifacts import Draft
from secateur.contracts import record
from secateur.contracts.candidates import Recipe
from secateur.model.architectures.recommender import Recommender
from secateur.model.data.inputs import Inputs
from secateur.packaging.arrangement import arrange
from secateur.packaging.card import write_card
from secateur.packaging.graph.build import build
from secateur.packaging.graph.take_apart import parts_of
from secateur.packaging.source import Source, cut_schema
from secateur.serving.files import compression, golden, layout, package
from secateur.serving.files.tables import pack_table
from secateur.serving.scorer import Scorer


def write_package(
    draft: Draft,
    model: Recommender,
    recipe: Recipe,
    source: Source,
    calibration: Inputs,
    title: str,
) -> None:
    """Write the package of a model; `calibration` are typical rows.

    The golden scores are the client's own, on the files just written.
    """
    schema = cut_schema(source.schema, model.spec)
    arranged = arrange(schema, source.vocabulary, source.counts, recipe)
    parts = parts_of(model, recipe, calibration, arranged.rows, schema.request_places)
    if recipe.tower_bits == 32:
        _write(draft, layout.MODEL, build(parts))
    else:
        _write(draft, layout.PACKED_MODEL, compression.compress(build(parts)))
    table = parts.table
    packed = pack_table(table.rows, table.segments, table.words, table.books)
    _write(draft, layout.TABLE, packed)
    _write(draft, layout.VOCABULARY, arranged.vocabulary)
    _write(draft, layout.SCHEMA, compression.compress(record.canonical(schema)))
    _write(draft, layout.RECIPE, record.canonical(recipe))
    scorer = Scorer(package.read(draft.folder))
    made = golden.make(scorer, {f.name: source.golden[f.name] for f in schema.inputs})
    _write(draft, layout.GOLDEN, compression.compress(record.canonical(made)))
    card = write_card(title, schema, model.spec, recipe, source.facts, file_bytes(draft.folder))
    _write(draft, layout.CARD, card.encode())


def file_bytes(folder: Path) -> dict[str, int]:
    """Bytes of each file of a package written so far."""
    names = (layout.MODEL, layout.PACKED_MODEL, layout.TABLE, layout.VOCABULARY, layout.SCHEMA)
    found = (folder / name for name in (*names, layout.RECIPE, layout.GOLDEN))
    return {path.name: path.stat().st_size for path in found if path.exists()}


def _write(draft: Draft, name: str, data: bytes) -> None:
    (draft.folder / name).write_bytes(data)
