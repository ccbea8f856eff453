"""Write every file of a Package."""

from pathlib import Path

from secateur.artifacts import Draft
from secateur.contracts import record
from secateur.contracts.candidates import Recipe
from secateur.model.inputs import Inputs
from secateur.model.recommender import Recommender
from secateur.packaging.card import write_card
from secateur.packaging.graph import build
from secateur.packaging.parts import parts_of
from secateur.packaging.source import Source, cut_schema
from secateur.serving import golden, layout, package
from secateur.serving.scorer import Scorer
from secateur.serving.tables import pack_table
from secateur.serving.vocabulary import pack_vocabulary


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
    parts = parts_of(model, recipe, calibration)
    schema = cut_schema(source.schema, model.spec)
    values = {f.name: source.vocabulary[f.name][: f.oov] for f in schema.vocabularies}
    _write(draft, layout.MODEL, build(parts))
    _write(draft, layout.TABLE, pack_table(parts.table.rows, recipe.embedding_bits))
    _write(draft, layout.VOCABULARY, pack_vocabulary(schema, values))
    _write(draft, layout.SCHEMA, record.canonical(schema))
    _write(draft, layout.RECIPE, record.canonical(recipe))
    scorer = Scorer(package.read(draft.folder))
    _write(
        draft,
        layout.GOLDEN,
        record.canonical(
            golden.make(scorer, {f.name: source.golden[f.name] for f in schema.inputs})
        ),
    )
    card = write_card(title, schema, model.spec, recipe, source.facts, file_bytes(draft.folder))
    _write(draft, layout.CARD, card.encode())


def file_bytes(folder: Path) -> dict[str, int]:
    """Bytes of each file of a package written so far."""
    names = (layout.MODEL, layout.TABLE, layout.VOCABULARY, layout.SCHEMA, layout.RECIPE)
    return {name: (folder / name).stat().st_size for name in (*names, layout.GOLDEN)}


def _write(draft: Draft, name: str, data: bytes) -> None:
    (draft.folder / name).write_bytes(data)
