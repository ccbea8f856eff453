"""What sections must say of one another is checked before any night runs, all at once."""

import pytest

from secateur.scenario import SCENARIOS
from secateur.scenario.scenario_check import check_scenario
from small_scenario import SCENARIO, Write

CASES = [
    (('name = "rows"', 'name = "int8"'), ":6: candidates[1].name: 'int8' is there already, as [0]"),
    (('name = "rows"', 'name = "dense"'), ":6: candidates[1].name: 'dense' is the baseline's name"),
    (
        ("seed = 1", 'seed = 1\nonly_candidates = ["int4"]'),
        ":4: only_candidates[0]: 'int4' is no candidate (did you mean int8?)",
    ),
    (
        ('uri = "LOG"', 'uri = "LOG"\nheader = false\ncolumns = ["a", "a"]'),
        ":12: logs.columns[1]: column 'a' is named twice",
    ),
    (
        ("window_days = 6", "window_days = 3"),
        ":14: logs.window_days: 3 days leave none to learn from: 1 tune, 1 confirm, ",
    ),
    (
        ("window_days = 6", 'first_day = "2024-02-02"\nlast_day = "2024-02-01"'),
        ":14: logs.first_day: 2024-02-02 is after last_day 2024-02-01",
    ),
    (
        ("window_days = 6", 'time_format = "seconds"'),
        ":14: logs.time_format: 'seconds' is none of s, ms, us, ns, iso, nor a pattern of Spark's",
    ),
    (
        (
            'column = "liked"',
            'column = "liked"\nkind = "event_type"\npositive = ["buy"]\nnegative = ["buy"]',
        ),
        ":21: label.negative: buy are positive too",
    ),
    (
        ('key = "item"', 'key = "liked"'),
        ":15: logs.sides[0].key: 'liked' is what is to be predicted: what it joins tells a label",
    ),
    (('item = "item"', 'item = "uid"'), ":12: logs.item: 'uid' is the user: it cannot be the item"),
    (
        ('column = "liked"', 'column = "at"'),
        ":18: label.column: 'at' is the time: it cannot be the",
    ),
    (
        ('name = "author"', 'name = "at"'),
        ":29: features.fields[2].name: 'at' is the time, which no event has as a column",
    ),
    (
        ('uri = "LOG"', 'uri = "LOG"\ndelimiter = "\\n"'),
        ":9: logs: '\\n' ends or quotes a value",
    ),
    (
        ('column = "liked"', 'column = "liked"\nkind = "clicked_list"\nclicked = "liked"'),
        ":20: label.clicked: 'liked' is the list itself",
    ),
    (
        ('column = "liked"', 'column = "liked"\ntasks = { liked = { column = "seen" } }'),
        ":19: label.tasks.liked: 'liked' is the label's own name",
    ),
    (
        ('column = "liked"', 'column = "liked"\ntasks = { by = { column = "author" } }'),
        ":30: features.fields[2].name: 'author' is what is to be predicted",
    ),
    (
        ('keys = ["uid"]', 'keys = ["uid", "liked"]'),
        ":33: features.counters[0].keys[1]: 'liked' is what is to be predicted: it tells a label",
    ),
    (
        ('keys = ["uid"]', 'keys = ["label"]'),
        ":33: features.counters[0].keys[0]: 'label' is what is to be predicted: it tells a label",
    ),
    (
        ("[training]", "[training]\ntask_weights = { saved = 0.5 }"),
        ":41: training.task_weights.saved: no task of the label is named so",
    ),
    (
        ('deduplicate_on = ["uid", "item", "at"]', "deduplicate_on = []"),
        ":21: cleaning.deduplicate_on: names no column",
    ),
    (
        ("hashed = true", "hashed = false"),
        ":27: features.fields[0].name: 'uid' is the user: say hashed = true",
    ),
    (
        ('name = "author",', 'name = "author", hashed = true,'),
        ":29: features.fields[2].hashed: hashed = true is for the user 'uid', and only it",
    ),
    (
        ("hashed = true", 'hashed = true, kind = "list"'),
        ":27: features.fields[0].kind: a list cannot be hashed, only a category",
    ),
    (
        ('name = "author"', 'name = "past", kind = "history", shares = "uid"'),
        ":29: features.fields[2].shares: 'uid' is the user, and a history holds no users",
    ),
    (
        ('name = "author"', 'name = "item"'),
        ":29: features.fields[2].name: its input 'item' is there already, of field [1]",
    ),
    (
        ('name = "author"', 'name = "uid_2d_rate"'),
        ":32: features.counters[0]: its input 'uid_2d_rate' is there already, of field [2]",
    ),
    (
        ('name = "author"', 'name = "time_ms"'),
        ":29: features.fields[2].name: its input 'time_ms' has the name of a column of our own",
    ),
    (
        ('name = "author"', 'name = "value_item"'),
        ":29: features.fields[2].name: its input 'value_item' has the name of a column of our own",
    ),
    (
        ("[judgement]", '[search]\ntargets = [{ name = "int8", max_bytes = 9 }]\n[judgement]'),
        ":43: search.targets[0].name: 'int8' is a candidate's name",
    ),
    (
        ("min_rows = 100", "min_rows = 100\ndrift = { categories = { uid = 0.1 } }"),
        ":39: validation.drift.categories.uid: uid is the user, whom no profile may name",
    ),
    (
        ("min_rows = 100", "min_rows = 100\nmax_oov_rate = { autor = 0.1 }"),
        ":39: validation.max_oov_rate.autor: no field with a vocabulary is named so (did",
    ),
    (
        ("margin = 0.01", 'margin = 0.01\nslices.margins = { "new user" = 0.1 }'),
        ":44: judgement.slices.margins.new user: no slice is named so (did you mean new users?)",
    ),
    (
        ("[training]", "[training]\nhidden = []"),
        ":41: training.hidden: is empty, but deepfm has a tower",
    ),
    (
        ("[training]", '[training]\ntable_l2 = 0.1\nembedding_optimizer = "lazy_adam"'),
        ":42: training.embedding_optimizer: 'lazy_adam' does not move whole tables, as table_l2",
    ),
    (
        ("[training]", "[training]\nbatch_norm = true\nprivacy = { noise_multiplier = 1.0 }"),
        ":41: training.batch_norm: mixes the rows of a batch, which training.privacy does not",
    ),
    (
        ("[training]", "[training]\nembedding_l2 = 1e-5\nprivacy = { noise_multiplier = 1.0 }"),
        ":41: training.embedding_l2: tells which values a batch holds, which training.privacy",
    ),
    (
        ("min_rows = 100", "min_rows = 100\nlabel_rate = [0.5, 0.1]"),
        ":39: validation.label_rate: 0.5 is above 0.1: least, then most",
    ),
    (
        ("seed = 1", "seed = 1\ndelivery_hours = 20"),
        ":4: delivery_hours: 20, but a night ends after 20 (deadline_hours)",
    ),
]


@pytest.mark.parametrize(("spoiled", "line"), CASES, ids=[line[:40] for _, line in CASES])
def test_a_disagreement_is_told_by_its_line_and_key(
    spoiled: tuple[str, str], line: str, write: Write
) -> None:
    path = write(spoiled)
    scenario, mistakes = check_scenario(str(path))
    assert scenario is None
    (said,) = mistakes
    assert said.startswith(f"{path}{line}")


def test_a_model_without_a_tower_learns_no_tasks(write: Write) -> None:
    tasks = ('column = "liked"', 'column = "liked"\ntasks = { saved = { column = "saved" } }')
    path = write(tasks, ("[training]", '[training]\narchitecture = "fm"\nhidden = []'))
    _, (said,) = check_scenario(str(path))
    assert said.startswith(f"{path}:42: training.architecture: fm has no tower")


def test_a_task_takes_a_name_from_the_inputs(write: Write) -> None:
    tasks = ('column = "liked"', 'column = "liked"\ntasks = { saved = { column = "saved" } }')
    path = write(tasks, ('name = "author"', 'name = "label_saved"'))
    _, (said,) = check_scenario(str(path))
    assert "its input 'label_saved' has the name of a column of our own" in said


def test_a_history_with_types_takes_two_names(write: Write) -> None:
    seen = '{ name = "seen", owner = "user", kind = "history", shares = "item", type = "action" }'
    types = '{ name = "seen_types", owner = "item" },'
    path = write(('{ name = "author", owner = "item" },', f"{seen},\n{types}"))
    _, (said,) = check_scenario(str(path))
    assert "its input 'seen_types' is there already, of field [2]" in said


def test_disagreements_are_told_beside_the_mistakes_of_other_sections(write: Write) -> None:
    path = write(("margin = 0.01", "margin = 7"), CASES[0][0], CASES[4][0])
    _, mistakes = check_scenario(str(path))
    assert [line.split(": ")[1] for line in mistakes] == [
        "candidates[1].name",
        "logs.window_days",
        "judgement.margin",
    ]


@pytest.mark.parametrize("name", sorted(path.stem for path in SCENARIOS.glob("*.toml")))
def test_the_real_scenarios_have_no_mistake(name: str) -> None:
    scenario, mistakes = check_scenario(name)
    assert mistakes == []
    assert scenario is not None


@pytest.mark.parametrize("pattern", ["yyyy-MM-dd'T'HH:mm:ssXXX", "M/d/yyyy h:mm:ss a", "ns", "iso"])
def test_what_spark_can_parse_is_no_mistake(pattern: str, write: Write) -> None:
    path = write(("window_days = 6", f'time_format = "{pattern}"'))
    assert check_scenario(str(path))[1] == []


def test_the_small_scenario_has_no_mistake(write: Write) -> None:
    assert "time_format" not in SCENARIO
    assert check_scenario(str(write()))[1] == []


def test_hours_are_held_out_of_a_log_of_two_days(write: Write) -> None:
    hours = ("tune_days = 1\nconfirm_days = 1", "tune_hours = 6\nconfirm_hours = 6")
    two_days = ("window_days = 6", "window_days = 2")
    path = write(two_days, hours)
    assert check_scenario(str(path))[1] == []
    path = write(two_days, (hours[0], "tune_hours = 12\nconfirm_hours = 12"))
    _, (said,) = check_scenario(str(path))
    assert (
        "2 days leave none to learn from: 12 hours tune, 12 hours confirm, 0 warm up and 1" in said
    )
    path = write(two_days, (hours[0], "tune_hours = 6"))
    assert "say both" in check_scenario(str(path))[1][0]
    late = ('deduplicate_on = ["uid", "item", "at"]', 'deduplicate_on = ["uid"]\nlate_days = 1')
    _, (said,) = check_scenario(str(write(two_days, hours, late)))
    assert "features.tune_hours: an event that comes days late has no hour" in said
