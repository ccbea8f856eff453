"""Importance of whole inputs (fields), one tensor [inputs] in the order of `ModelSpec.inputs`."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from secateur.contracts.models import ModelSpec
from secateur.model.architectures.recommender import Recommender
from secateur.model.architectures.registry import fixed_inputs
from secateur.model.data.inputs import Inputs
from secateur.model.training.holdout import predict
from secateur.model.training.metrics import log_loss
from secateur.pruning.importance.neurons import BATCH
from secateur.pruning.units.calibration import Evidence, block_names
from secateur.pruning.units.cost_model import US_A_VALUE

PERMUTED = 2  # one row of so many: every input costs a pass over them


def prunable(spec: ModelSpec) -> list[bool]:
    """For every input whether it may go: not a field whose vocabulary a list shares, which reads
    the same rows, and not what the architecture keeps together."""
    shared = {spec.fields[target] for target in spec.targets if target is not None}
    return [name not in shared | fixed_inputs(spec) for name in spec.inputs]


def field_score(model: Recommender, evidence: Evidence) -> tuple[Tensor, ...]:
    """Sum over samples of |what the input becomes, less its mean, times the loss's gradient|.

    To first order, how much the loss changes when the input is its mean everywhere. Infinite for
    an input that must stay.
    """
    spec = model.spec
    totals = torch.zeros(spec.embedded + len(spec.numbers)).double()
    mean = _mean_of(model, evidence.sample.inputs)
    for leaves, gradients in _gradients(model, evidence):
        products = [
            (leaf - middle) * gradient
            for leaf, middle, gradient in zip(leaves, mean, gradients, strict=True)
        ]
        totals += _by_input(products, spec.embedded).abs().sum(dim=0)
    return (_fixed(totals, spec),)


def field_score_per_us(model: Recommender, evidence: Evidence) -> tuple[Tensor, ...]:
    """The field score over the microseconds that the input's values take in a request.

    What is most worth keeping where a request's time is short: a candidate's column has to be
    worth as much as all that could be said once in its time. Infinite for an input that must stay.
    """
    taken = [evidence.encoding.get(name, US_A_VALUE) for name in model.spec.inputs]
    return (field_score(model, evidence)[0] / torch.tensor(taken, dtype=torch.float64),)


def squared_gradients(model: Recommender, evidence: Evidence) -> list[Tensor]:
    """For each block of the table the sample's mean squared gradients, float64 [its columns].

    They are of what the input becomes that reads the block first: the embedding, then the
    first-order weight, if the model has both.
    """
    spec, rows = model.spec, len(evidence.sample)
    columns = model.embedding.embedding_dim + model.first_order.embedding_dim
    totals = torch.zeros(spec.embedded, columns).double()
    for _, (vectors, first_order, *_) in _gradients(model, evidence):
        both = torch.cat([vectors.double(), first_order[:, : spec.embedded].double()], dim=2)
        totals += both.square().sum(dim=0)
    places = {name: place for place, name in enumerate(spec.inputs)}
    return [totals[places[name]] / max(1, rows) for name in block_names(spec)]


def _gradients(
    model: Recommender, evidence: Evidence
) -> Iterator[tuple[list[Tensor], list[Tensor]]]:
    """Batch by batch what inputs become, and the gradients of the batch's summed loss by it.

    In each list: vectors, first order, numbers, scaled (see `Embedded`).
    """
    sample = evidence.sample
    for inputs, labels in zip(
        sample.inputs.chunks(BATCH), torch.split(sample.labels, BATCH), strict=True
    ):
        embedded = model.embed(inputs)
        parts = [embedded.vectors, embedded.first_order, embedded.numbers, embedded.scaled]
        leaves = [part.detach().requires_grad_() for part in parts]
        vectors, first_order, numbers, scaled = leaves
        known = replace(
            embedded, vectors=vectors, first_order=first_order, numbers=numbers, scaled=scaled
        )
        loss = functional.binary_cross_entropy_with_logits(
            model.score(known)[:, 0], labels, reduction="sum"
        )
        found = torch.autograd.grad(loss, leaves, allow_unused=True)
        yield (
            [leaf.detach() for leaf in leaves],
            [
                torch.zeros_like(leaf) if one is None else one
                for leaf, one in zip(leaves, found, strict=True)
            ],
        )


def permutation(model: Recommender, evidence: Evidence) -> tuple[Tensor, ...]:
    """How much the sample's log-loss rises when the input's values change rows (Breiman 2001).

    Rows are permuted by the evidence's seed. Infinite for an input that must stay.
    """
    spec = model.spec
    sample = evidence.sample.take(np.arange(len(evidence.sample)) % PERMUTED == 0)
    generator = torch.Generator().manual_seed(evidence.seed)
    order = torch.randperm(len(sample), generator=generator)
    before = log_loss(predict(model, sample.inputs), sample.labels)
    after = [
        log_loss(predict(model, _swapped(sample.inputs, spec, name, order)), sample.labels)
        for name in spec.inputs
    ]
    return (_fixed(torch.tensor(after, dtype=torch.float64) - before, spec),)


def field_score_confirmed(model: Recommender, evidence: Evidence) -> tuple[Tensor, ...]:
    """The field score, confirmed by permutation: the larger of both, as shares of their sums.

    A first-order score takes an input that matters only together with others for one that does
    not; so an input is little worth where both say so. Infinite for an input that must stay.
    """
    first, second = field_score(model, evidence)[0], permutation(model, evidence)[0].clamp(min=0)
    free = first.isfinite()
    shares = [
        one / one[free].sum().clamp(min=torch.finfo(one.dtype).tiny) for one in (first, second)
    ]
    return (torch.where(free, torch.maximum(*shares), torch.inf),)


def _swapped(inputs: Inputs, spec: ModelSpec, name: str, order: Tensor) -> Inputs:
    """The rows with the values of one input from other rows."""
    if name in spec.fields:
        ids = inputs.ids.clone()
        place = spec.fields.index(name)
        ids[:, place] = ids[order, place]
        return replace(inputs, ids=ids)
    if name in spec.numbers:
        numbers = inputs.numbers.clone()
        place = spec.numbers.index(name)
        numbers[:, place] = numbers[order, place]
        return replace(inputs, numbers=numbers)
    lists = tuple(
        column.take(order) if one.name == name else column
        for one, column in zip(spec.lists, inputs.lists, strict=True)
    )
    vectors, start = inputs.vectors.clone(), 0
    for vector in spec.vectors:
        if vector.name == name:
            columns = slice(start, start + vector.length)
            vectors[:, columns] = vectors[order, columns]
        start += vector.length
    return replace(inputs, lists=lists, vectors=vectors)


@torch.no_grad()
def _mean_of(model: Recommender, inputs: Inputs) -> list[Tensor]:
    """Means over rows of the embedded inputs' parts."""
    embedded = model.embed(inputs)
    parts = (embedded.vectors, embedded.first_order, embedded.numbers, embedded.scaled)
    return [part.mean(dim=0) for part in parts]


def _by_input(products: list[Tensor], embedded: int) -> Tensor:
    """Sums float64 [rows, inputs] of what belongs to one input."""
    vectors, first_order, numbers, scaled = (product.double() for product in products)
    of_vectors, of_first = vectors.sum(dim=2), first_order.sum(dim=2)
    beside = of_first.shape[1] > embedded  # the numbers have first-order weights too
    of_numbers = numbers + scaled.sum(dim=2) + (of_first[:, embedded:] if beside else 0)
    return torch.cat([of_vectors + of_first[:, :embedded], of_numbers], dim=1)


def _fixed(scores: Tensor, spec: ModelSpec) -> Tensor:
    return torch.where(torch.tensor(prunable(spec)), scores, torch.inf)
