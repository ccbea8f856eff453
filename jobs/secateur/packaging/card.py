"""The model card: what the package is, for the people who will serve it."""

from collections.abc import Mapping, Sequence

from secateur.contracts import record
from secateur.contracts.candidates import Recipe
from secateur.contracts.features import FeatureSchema
from secateur.contracts.models import ModelSpec, PrivateSteps
from secateur.model.training.privacy_accountant import epsilon
from secateur.packaging.source import Source
from secateur.serving.files.vocabulary import FALSE_MATCH

_CARD = """\
# {title}

Predicts the probability of `{label}` for a user and an item, from {fields} raw features.{tasks}

| | |
|---|---|
| model | {architecture}, {fields} fields, {rows:,} table rows, embedding dimension {dim}, \
tower {hidden} |
| made by recipe | `{recipe}` |
| stored as | {storage} |
| trained on | {days}: {train_rows:,} events |
| user ids | keyed hashes, key fingerprint `{id_key}` |
{privacy}
Steps: {steps}

## Files

| file | bytes |
|---|---|
{files}

## Intended use

Ranking candidate items of one request by the probability that the user responds. {scores}

## Limits

- Values that training had not seen often enough share one row a field (OOV): new users and new
  items are scored by their other features alone.
{matches}- Learned from what an earlier system chose to show, so it inherits that system's choices.
- It has not been examined for fairness between groups of users or of creators.
- Accuracy, intervals and latency are in the scorecard and the verdict that belong to this package.
"""


_OF_TRAFFIC = """\
Scores are
probabilities on the training days' traffic; recalibrate them before they price anything."""
_OF_DRAWN = """\
The log
holds positives only, and negatives were drawn for it, so a score is no probability of traffic: it
tells a positive from drawn items among rows of which {rate:.4f} are positive. Items were drawn by
their popularity, so a score says how much more the user wants an item than its popularity tells.
Where a share of what you offer is taken, and you offer items as they were drawn,
`scorer.at_rate(scores, share)` gives probabilities; without such a share, rank by the scores."""


def write_card(
    title: str,
    schema: FeatureSchema,
    spec: ModelSpec,
    recipe: Recipe,
    source: Source,
    sizes: Mapping[str, int],
) -> str:
    """Markdown from what the source tells of data and trainings, and the other files' bytes."""
    days = source.facts["days"]["train"]
    further = ", ".join(f"`{name}`" for name in schema.tasks)
    tasks = f"\nIt predicts further tasks too, which it was not judged by: {further}."
    return _CARD.format(
        title=title,
        label=schema.label,
        tasks=tasks if further else "",
        fields=len(schema.inputs),
        architecture=spec.architecture,
        rows=sum(spec.rows),
        dim=spec.embedding_dim,
        hidden="-".join(map(str, spec.hidden)) or "none",
        recipe=recipe.name,
        storage=recipe.storage,
        days=f"{days[0]} to {days[-1]}",
        train_rows=source.facts["rows"]["train"],
        id_key=schema.id_key,
        privacy=_privacy(source.privacy),
        scores=_meaning_of_scores(schema.drawn_rate),
        steps=_steps(recipe),
        matches=_matches(schema) if recipe.vocabulary == "ascending" else "",
        files="\n".join(f"| `{name}` | {size:,} |" for name, size in sorted(sizes.items())),
    )


def _privacy(runs: Sequence[PrivateSteps]) -> str:
    """The guarantee of all trainings together; nothing where there is none."""
    if not runs:
        return ""
    delta = max(run.delta for run in runs)
    steps = "; ".join(
        f"{run.steps:,} steps of noise {run.noise_multiplier:g}, clip {run.clip:g}, each of a "
        f"share of {run.sample_rate:.3g} of the rows"
        for run in runs
    )
    return (
        f"| differential privacy | epsilon {epsilon(runs, delta):.2f} at delta {delta:g} for one "
        f"event of the train days: {steps}. Not covered: vocabularies, buckets, counters, the "
        "choice of the best evaluation, what pruning and recalibration measured; a user of many "
        "events has less |\n"
    )


def _meaning_of_scores(drawn_rate: float | None) -> str:
    return _OF_TRAFFIC if drawn_rate is None else _OF_DRAWN.format(rate=drawn_rate)


def _matches(schema: FeatureSchema) -> str:
    """What is true where only the first bits of hashes are kept."""
    if not any(field.hashed for field in schema.categories):
        return ""
    return (
        f"- One unknown id in {round(1 / FALSE_MATCH):,} at most is taken for a known one: of"
        " hashes only so many bits are stored.\n"
    )


def _steps(recipe: Recipe) -> str:
    done = [f"`{record.canonical_json(step).decode()}`" for step in recipe.steps]
    if recipe.student is not None:
        done.append(
            f"a student trained from scratch, `{record.canonical_json(recipe.student).decode()}`"
        )
    elif recipe.repair_epochs:
        done.append(f"up to {recipe.repair_epochs} epochs of distillation from the dense model")
    if recipe.rounded_epochs:
        done.append(f"up to {recipe.rounded_epochs} epochs of it with rows rounded as stored")
    return "; then ".join(done) + "." if done else "none."
