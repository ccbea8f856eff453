"""Modules that are not ours, an MLP and a small CNN, and what they learn."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional


class Residual(nn.Module):
    """Two convolutions with norms around a skip, a pooled head behind a third."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.first = nn.Conv2d(8, 12, 3, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(12)
        self.second = nn.Conv2d(12, 8, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(8)
        self.last = nn.Conv2d(8, 10, 3)
        self.head = nn.Linear(10 * 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.norm(self.stem(x)))
        inner = torch.relu(self.first_norm(self.first(x)))
        x = torch.relu(x + self.second_norm(self.second(inner)))
        x = torch.relu(self.last(functional.max_pool2d(x, 2)))
        scores: Tensor = self.head(x.flatten(1))
        return scores


def perceptron() -> nn.Module:
    return nn.Sequential(
        nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 24), nn.ReLU(), nn.Linear(24, 3)
    )


def rings(n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Points in the plane; their distance from the middle decides."""
    points = 3 * torch.randn(n, 2, generator=torch.Generator().manual_seed(seed))
    return points, torch.bucketize(points.norm(dim=1), torch.tensor([2.0, 4.0]))


def bars(n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Noisy pictures [n, 1, 8, 8] of a row, a column or a diagonal."""
    dice = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 3, (n,), generator=dice)
    at = torch.randint(0, 8, (n,), generator=dice).tolist()
    pictures = 0.4 * torch.randn(n, 1, 8, 8, generator=dice)
    for picture, label, place in zip(pictures[:, 0], labels.tolist(), at, strict=True):
        line = (picture[place], picture[:, place], picture.roll(place, 0).diagonal())[label]
        line += 1
    return pictures, labels


Data = Callable[[int, int], tuple[Tensor, Tensor]]
MAKERS: dict[str, tuple[Callable[[], nn.Module], Data]] = {
    "mlp": (perceptron, rings),
    "cnn": (Residual, bars),
}


def fit(module: nn.Module, data: Data, steps: int = 120) -> None:
    inputs, labels = data(1500, 1)
    optimizer = torch.optim.Adam(module.parameters(), 0.01)
    module.train()
    for step in range(steps):
        batch = slice(step * 150 % 1500, step * 150 % 1500 + 150)
        optimizer.zero_grad()
        functional.cross_entropy(module(inputs[batch]), labels[batch]).backward()
        optimizer.step()
    module.eval()


def accuracy(module: nn.Module, data: Data) -> float:
    inputs, labels = data(1500, 2)
    with torch.no_grad():
        return float((module(inputs).argmax(1) == labels).double().mean())
