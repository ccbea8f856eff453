"""Claims about private steps: no row moves a sum by more than the clip, and nothing goes bare."""

from itertools import islice

import numpy as np
import pytest
import torch
from torch import Tensor

from all_kinds import SCHEMA, sealed_features
from secateur.auc import auc
from secateur.contracts.errors import ScenarioError, UsageError
from secateur.contracts.models import ModelSpec
from secateur.judgement.membership import likelihood
from secateur.model.architectures.recommender import Recommender
from secateur.model.architectures.registry import ARCHITECTURES, new_model
from secateur.model.data.batches import Split, load_split
from secateur.model.data.inputs import Inputs, Ragged
from secateur.model.training.holdout import predict
from secateur.model.training.metrics import task_losses
from secateur.model.training.private_steps import NOISE_KEY, PrivateGradients, RowsDrawnAnew
from secateur.model.training.train import train
from secateur.model.training.training_context import TrainingContext
from secateur.model.training_settings import PrivacySettings, Training

CLIP = 0.3
SILENT = PrivacySettings.model_construct(noise_multiplier=0.0, clip=CLIP, delta=1e-6)
ONE = torch.ones(1)
APART = [name for name in ARCHITECTURES if name != "din"]


@pytest.fixture(autouse=True)
def noise_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NOISE_KEY, "a key that nobody knows")


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Split:
    return load_split(sealed_features(tmp_path_factory.mktemp("features")), "train")


def model_of(architecture: str) -> Recommender:
    settings = Training(architecture=architecture, embedding_dim=4, hidden=(12, 6))
    model = new_model(SCHEMA, settings, seed=1)
    generator = torch.Generator().manual_seed(2)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3, generator=generator)
    return model


def gradient(model: Recommender) -> Tensor:
    """That of all weights side by side, tables too."""
    found = [torch.zeros_like(p) if p.grad is None else p.grad for p in model.parameters()]
    model.zero_grad(set_to_none=True)
    return torch.cat([one.flatten() for one in found])


def private(model: Recommender, split: Split, clip: float = CLIP) -> Tensor:
    """The sum of cut gradients, without noise."""
    settings = SILENT.model_copy(update={"clip": clip})
    PrivateGradients(model, settings, 1.0, ONE).backward(split.inputs, split.targets)
    return gradient(model)


def plain(model: Recommender, split: Split) -> Tensor:
    scores = model.score(model.embed(split.inputs))
    task_losses(scores, split.targets, ONE).sum().backward()
    return gradient(model)


def some(split: Split, *places: int) -> Split:
    mask = np.zeros(len(split), np.bool_)
    mask[list(places)] = True
    return split.take(mask)


@pytest.mark.parametrize("architecture", APART)
def test_gradients_that_need_no_cut_add_up_to_the_batch_s(architecture: str, rows: Split) -> None:
    model, batch = model_of(architecture), some(rows, *range(64))
    found, wanted = private(model, batch, clip=1e6), plain(model, batch)
    assert wanted.norm() > 1
    assert torch.allclose(found, wanted, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("architecture", APART)
def test_one_row_more_moves_the_sum_by_the_clip_at_most(architecture: str, rows: Split) -> None:
    model = model_of(architecture)
    for place in range(20):
        whole = plain(model, some(rows, place))
        cut = private(model, some(rows, place))
        assert min(CLIP, float(whole.norm())) / 2 < cut.norm() <= CLIP * (1 + 1e-5)
        assert torch.nn.functional.cosine_similarity(cut, whole, dim=0) > 0.9999
    pair = private(model, some(rows, 3, 4)) - private(model, some(rows, 4))
    assert pair.norm() <= CLIP * (1 + 1e-4)


def test_a_row_that_reads_a_value_several_times_is_cut_as_if_all_reads_met() -> None:
    """An item that is in the lists of its block, too: one row of the table gets every gradient."""
    one, none = torch.tensor([5], dtype=torch.int32), torch.tensor([0, 0])
    lists = [
        Ragged(one, torch.tensor([0, 1])) if field.shares == "item" else Ragged(one[:0], none)
        for field in SCHEMA.lists
    ]
    ids = torch.tensor([[0, 5, 0]], dtype=torch.int32)
    inputs = Inputs(ids, torch.zeros(1, 3), torch.zeros(1, 6), tuple(lists))
    row = Split(inputs, torch.ones(1), np.array(["2024-01-01"], "datetime64[D]"))
    cut = private(model_of("lr"), row)
    assert 0.9 * CLIP < cut.norm() <= CLIP * (1 + 1e-5)


def test_noise_is_on_every_weight_also_of_rows_that_nobody_read(rows: Split) -> None:
    model = model_of("deepfm")
    settings = PrivacySettings(noise_multiplier=2.0, clip=0.5)
    torch.manual_seed(3)
    step = PrivateGradients(model, settings, 10.0, ONE)
    step.backward(some(rows, 1).inputs, some(rows, 1).targets)
    assert model.embedding.weight.grad is not None
    assert float(model.embedding.weight.grad.std()) == pytest.approx(0.1, rel=0.15)
    assert all(p.grad is not None and bool((p.grad != 0).all()) for p in model.parameters())


def test_a_step_without_rows_is_noise_alone(rows: Split) -> None:
    model = model_of("dcnv2")
    empty = some(rows)
    PrivateGradients(model, PrivacySettings(noise_multiplier=1.0), 4.0, ONE).backward(
        empty.inputs, empty.targets
    )
    assert float(gradient(model).std()) == pytest.approx(0.25, rel=0.2)


def test_rows_are_drawn_anew_at_every_step_and_from_any_step_on(rows: Split) -> None:
    drawn = RowsDrawnAnew(rows)
    sizes = [len(targets) for _, targets in islice(drawn.batches(90, 1), 200)]
    assert np.mean(sizes) == pytest.approx(90, rel=0.03)
    assert np.var(sizes) == pytest.approx(90 * 0.9, rel=0.3)
    third = next(islice(drawn.batches(90, 1), 2, None))[1]
    assert torch.equal(third, next(drawn.batches(90, 1, start=2))[1])


def test_what_lets_rows_meet_is_refused(rows: Split) -> None:
    attending = new_model(SCHEMA, Training(architecture="din"), 1)
    normalized = new_model(SCHEMA, Training(batch_norm=True), 1)
    for model in (attending, normalized):
        with pytest.raises(ScenarioError, match=r"training\.privacy"):
            PrivateGradients(model, SILENT, 1.0, ONE)
    with pytest.raises(ScenarioError, match="memory_mb"):
        RowsDrawnAnew.of(RowsDrawnAnew(rows))


SPEC = ModelSpec("fm", ("user", "item"), (61, 301), 8, ())


def by_heart(seed: int) -> Split:
    """Rows of 60 users and 300 items whose labels nothing tells."""
    rng = np.random.default_rng(seed)
    ids = np.stack([rng.integers(0, 60, 600), rng.integers(0, 300, 600)], 1).astype(np.int32)
    labels = torch.from_numpy((rng.random(600) < 0.5).astype(np.float32))
    days = np.full(600, np.datetime64("2024-01-01"))
    return Split(Inputs.of_ids(torch.from_numpy(ids)), labels, days)


def trained(members: Split, privacy: PrivacySettings | None, seed: int = 1) -> Recommender:
    settings = Training(
        architecture="fm", batch_size=60, learning_rate=0.03, max_epochs=15, patience=99,
        embedding_dim=8, privacy=privacy,
    )  # fmt: skip
    torch.manual_seed(0)
    model = ARCHITECTURES["fm"].network(SPEC)
    # Evaluated on its own rows: the last weights are the best, and learned the most by heart.
    result = train(model, members, members, TrainingContext(settings, seed, torch.device("cpu")))
    assert bool(result.curve.privacy) == (privacy is not None)
    return model


def attack_auc(model: Recommender, members: Split, others: Split) -> float:
    """Of the attack by loss."""
    signals = []
    for split in (members, others):
        scores = torch.sigmoid(predict(model, split.inputs)).numpy()
        signals.append(likelihood(split.labels.numpy().astype(np.int8), scores))
    is_member = np.repeat([1, 0], [len(members), len(others)])
    return auc(is_member, np.concatenate(signals)) or 0.0


def test_an_attack_that_tells_members_is_blind_where_training_was_private() -> None:
    members, others = by_heart(1), by_heart(2)
    assert attack_auc(trained(members, None), members, others) > 0.8
    private_model = trained(members, PrivacySettings(noise_multiplier=3.0, clip=0.5))
    assert abs(attack_auc(private_model, members, others) - 0.5) < 0.05  # three standard errors


def test_the_same_key_and_seed_give_the_same_bits_and_another_key_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    members, settings = by_heart(1), PrivacySettings(noise_multiplier=1.0)
    first, again = (trained(members, settings).embedding.weight for _ in range(2))
    assert torch.equal(first, again)
    monkeypatch.setenv(NOISE_KEY, "another key that nobody knows")
    assert not torch.equal(first, trained(members, settings).embedding.weight)
    monkeypatch.delenv(NOISE_KEY)
    with pytest.raises(UsageError, match=NOISE_KEY):
        trained(members, settings)
