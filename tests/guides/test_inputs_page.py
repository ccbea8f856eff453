"""The example of the page on inputs is a scenario that holds."""

import tomllib
from pathlib import Path

from secateur.scenario.loading import parse_scenario

from .pages import GUIDES, blocks

REST = """
name = "shown"
title = "Shown lists"
seed = 1
candidates = [{ name = "int8", embedding_bits = 8 }]
[logs]
uri = "log"
user = "user_id"
item = "item_id"
time = "at"
[cleaning]
deduplicate_on = ["user_id", "at"]
[features]
[validation]
min_rows = 1
[training]
[judgement]
margin = 0.01
"""


def test_the_example_holds() -> None:
    (block,) = (one for one in blocks(Path(GUIDES / "inputs.md")) if one.language == "toml")
    data = tomllib.loads(REST)
    for section, keys in tomllib.loads(block.text).items():
        data[section] = {**data.get(section, {}), **keys}
    scenario, mistakes = parse_scenario(data)
    assert mistakes == []
    assert scenario is not None
    inputs = [spec.name for spec in scenario.features.inputs]
    assert inputs[-6:] == [
        "item_id_3h_events",
        "item_id_3h_rate",
        "item_id_7d_age",
        "user_id_session_events",
        "user_id_session_gap",
        "item_id_7d_searched_positives",
    ]
