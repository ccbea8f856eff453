"""A whole small scenario as text, to be spoiled one line at a time."""

from collections.abc import Callable
from pathlib import Path

SCENARIO = """\
name = "small"
title = "A small log"
seed = 1
candidates = [
    { name = "int8", embedding_bits = 8 },
    { name = "rows", steps = [{ granularity = "neuron", criterion = "taylor", keep = 0.5 }] },
]

[logs]
uri = "LOG"
user = "uid"
item = "item"
time = "at"
window_days = 6
sides = [{ name = "items", path = "items.csv", key = "item" }]

[label]
column = "liked"

[cleaning]
deduplicate_on = ["uid", "item", "at"]

[features]
tune_days = 1
confirm_days = 1
fields = [
    { name = "uid", owner = "user", hashed = true },
    { name = "item", owner = "item" },
    { name = "author", owner = "item" },
]

[[features.counters]]
keys = ["uid"]
owner = "user"
prior_rate = 0.5
window_days = 2
[validation]
min_rows = 100

[training]

[judgement]
margin = 0.01
"""

Write = Callable[..., Path]


def spoil(folder: Path, *replacements: tuple[str, str]) -> Path:
    """Write the scenario with some of its text replaced, each part of which is there once."""
    text = SCENARIO
    for old, new in replacements:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path = folder / "small.toml"
    path.write_text(text)
    return path
