"""What is wrong with a scenario file is told at once: line, key, what was found, what may stand."""

import re

import pytest

from secateur.contracts.errors import ScenarioError
from secateur.scenario import load_scenario
from small_scenario import Write


def told(path: object, *overrides: str) -> list[str]:
    """The lines of the complaint, without the folder."""
    with pytest.raises(ScenarioError) as caught:
        load_scenario(str(path), overrides)
    return [
        line.removeprefix(f"{getattr(path, 'parent', '')}/")
        for line in str(caught.value).split("\n")
    ]


CASES = [
    (
        ('time = "at"', 'time = "at"\nformat = "cvs"'),
        "small.toml:14: logs.format: 'cvs' is none of csv, tsv, json_lines, parquet "
        "(did you mean csv?)",
    ),
    (
        ("window_days = 6", "windw_days = 6"),
        "small.toml:14: logs.windw_days: unknown key (did you mean window_days?); known here: ",
    ),
    (
        ('{ name = "author", owner = "item" }', '{ name = "author", owner = "itm" }'),
        "small.toml:29: features.fields[2].owner: 'itm' is none of user, item, context "
        "(did you mean item?)",
    ),
    (
        ("prior_rate = 0.5", "prior_rate = 2"),
        "small.toml:35: features.counters[0].prior_rate: 2 is not a number, at least 0, at most 1",
    ),
    (
        ('column = "liked"', 'kind = "purchas"'),
        "small.toml:18: label.kind: 'purchas' is none of column, ",
    ),
    (
        ('column = "liked"', 'kind = "purchase"\nnegatives = { per_positive = 0 }'),
        "small.toml:19: label.negatives.per_positive: 0 is not a whole number, above 0",
    ),
    (
        ("min_rows = 100", ""),
        "small.toml:37: validation.min_rows: is missing; it wants a whole number, above 0",
    ),
    (("seed = 1", 'seed = "one"'), "small.toml:3: seed: 'one' is not a whole number"),
    (
        ("embedding_bits = 8", "embedding_bits = 5"),
        "small.toml:5: candidates[0].embedding_bits: 5 is none of 32, 8, 4",
    ),
    (
        ('"taylor"', '"tailor"'),
        "small.toml:6: candidates[1].steps[0].criterion: 'tailor' is none of magnitude, ",
    ),
    (
        ("margin = 0.01", "margin = 0.01\nmax_request_us = { 257 = 1.0 }"),
        "small.toml:44: judgement.max_request_us.257: '257' is none of 1, 256",
    ),
    (
        ("[training]", "[training]\nhidden = 3"),
        "small.toml:41: training.hidden: 3 is not a list, each a whole number, above 0",
    ),
    (
        ('uri = "LOG"', 'uri = "LOG"\ntimezone = "Mars/Base"'),
        "small.toml:11: logs.timezone: unknown timezone 'Mars/Base'; ",
    ),
    (("seed = 1", "seed = -1"), "small.toml:3: seed: -1 is not a whole number, at least 0"),
    (
        ("margin = 0.01", "margin = 0.01\nmargins = { gauc = nan }"),
        "small.toml:44: judgement.margins.gauc: nan is not a number, above -1, below 10 or "
        '"reported"',
    ),
]


@pytest.mark.parametrize(("spoiled", "line"), CASES, ids=[line[:50] for _, line in CASES])
def test_a_mistake_is_told_by_its_line_and_key(
    spoiled: tuple[str, str], line: str, write: Write
) -> None:
    (said,) = told(write(spoiled))
    assert said.startswith(line)


def test_the_unspoiled_scenario_loads(write: Write) -> None:
    assert load_scenario(str(write())).logs.window_days == 6


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(write: Write) -> None:
    path = write(*(spoiled for spoiled, _ in CASES[2:4] + CASES[6:10]))
    lines = told(path)
    assert len(lines) == 6
    numbers = [int(line.split(":")[1]) for line in lines]
    assert numbers == sorted(numbers)


def test_a_mistake_made_by_an_override_is_told_as_such(write: Write) -> None:
    said = told(write(), "training.dropout=1.5", "judgement.margn=0.1")
    assert said[0].startswith("--set training.dropout=1.5: training.dropout: 1.5 is not a number")
    assert said[1].startswith(
        "--set judgement.margn=0.1: judgement.margn: unknown key (did you mean margin?)"
    )
    assert told(write(), "seed.x=1") == ["--set seed.x=1: seed is no table"]
    assert told(write(), "seed") == ["--set seed: expected section.key=value"]


def test_overrides_are_toml_or_a_bare_word(write: Write) -> None:
    made = load_scenario(str(write()), ("training.hidden=[8, 4]", "release.channel=beta", "seed=7"))
    assert (made.training.hidden, made.release.channel, made.seed) == ((8, 4), "beta", 7)


def test_text_that_is_no_toml_is_told_by_its_line(write: Write) -> None:
    (said,) = told(write(('user = "uid"', 'user = "uid')))
    assert re.fullmatch(r"small\.toml:11: not TOML: Illegal character '\\n'", said)
    (said,) = told(write(("margin = 0.01\n", "margin = [")))
    assert re.fullmatch(r"small\.toml:43: not TOML: .+", said)
    path = write()
    path.write_bytes(b"name = \xff")
    assert told(path)[0].startswith("small.toml: not TOML: ")


def test_a_name_that_is_no_scenario_is_told_with_those_that_are() -> None:
    (said,) = told("short_vido")
    assert "short_video" in said
