"""What the sections of a scenario must say of one another, checked before any night runs.

Each rule reads sections that hold by themselves and yields its mistakes; where a section does not
hold, the rules that need it wait.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from secateur.contracts.candidates import DENSE, Recipe
from secateur.contracts.features import (
    LABEL_PREFIX,
    ROW_COLUMNS,
    TRAIN_EVENTS,
    VALUE_PREFIX,
    slice_column,
)
from secateur.contracts.judgement import SLICES
from secateur.model.training_settings import Training
from secateur.scenario.explaining.mistakes import Mistake, did_you_mean
from secateur.scenario.explaining.toml_lines import KeyPath
from secateur.scenario.leakage_rules import (
    expressions_are_of_their_row,
    no_input_tells_an_outcome,
)
from secateur.scenario.privacy_rules import (
    private_candidates_learn_no_rounding,
    private_rows_stand_apart,
)
from secateur.scenario.role_rules import no_column_has_two_roles, the_time_is_no_input
from secateur.scenario.sections.cleaning import Cleaning
from secateur.scenario.sections.features import Features
from secateur.scenario.sections.judgement import Judgement, ReleaseChannel
from secateur.scenario.sections.logs import ClickedListLabel, EventTypeLabel, Label, Logs, tasks_of
from secateur.scenario.sections.scenario import Scenario
from secateur.scenario.sections.search import Search
from secateur.scenario.sections.validation import Validation
from secateur.scenario.time_formats import pattern_faults, tells_year


def disagreements(data: Mapping[str, Any]) -> list[Mistake]:
    """Every mistake that shows only where sections are held side by side."""
    valid = dict(_valid_sections(data))
    return [
        mistake
        for needs, rule in _RULES
        if all(name in valid for name in needs)
        for mistake in rule(*(valid[name] for name in needs))
    ]


def _valid_sections(data: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, info in Scenario.model_fields.items():
        try:
            if name in data:
                adapter: TypeAdapter[Any] = TypeAdapter(info.rebuild_annotation())
                yield name, adapter.validate_python(data[name])
            elif not info.is_required():
                yield name, info.get_default(call_default_factory=True)
        except ValidationError:
            continue


def _twice(names: Iterable[str], at: KeyPath, key: str = "name") -> Iterator[Mistake]:
    seen: dict[str, int] = {}
    for number, name in enumerate(names):
        if name in seen:
            yield Mistake((*at, number, key), f"{name!r} is there already, as [{seen[name]}]")
        seen.setdefault(name, number)


def _names_of_candidates(candidates: Sequence[Recipe]) -> Iterator[Mistake]:
    names = [recipe.name for recipe in candidates]
    yield from _twice(names, ("candidates",))
    for number, name in enumerate(names):
        if name == DENSE:
            yield Mistake(("candidates", number, "name"), f"{DENSE!r} is the baseline's name")


def _names_of_targets(search: Search | None, candidates: Sequence[Recipe]) -> Iterator[Mistake]:
    names = [target.name for target in search.targets] if search else []
    yield from _twice(names, ("search", "targets"))
    taken = {DENSE, *(recipe.name for recipe in candidates)}
    for number, name in enumerate(names):
        if name in taken:
            yield Mistake(("search", "targets", number, "name"), f"{name!r} is a candidate's name")


def _wanted_candidates_exist(
    only: Sequence[str], candidates: Sequence[Recipe]
) -> Iterator[Mistake]:
    names = [recipe.name for recipe in candidates]
    for number, name in enumerate(only):
        if name not in names:
            message = f"{name!r} is no candidate{did_you_mean(name, names)}"
            yield Mistake(("only_candidates", number), message)
        elif name in only[:number]:
            yield Mistake(("only_candidates", number), f"{name!r} is named twice")


def _names_in_logs(logs: Logs) -> Iterator[Mistake]:
    yield from _twice([side.name for side in logs.sides], ("logs", "sides"))
    tables: list[tuple[KeyPath, Sequence[str]]] = [(("logs",), logs.columns)]
    tables += [(("logs", "sides", n), side.columns) for n, side in enumerate(logs.sides)]
    for at, columns in tables:
        for number, name in enumerate(columns):
            if name in columns[:number]:
                yield Mistake((*at, "columns", number), f"column {name!r} is named twice")


def _window_of_logs(logs: Logs) -> Iterator[Mistake]:
    if logs.first_day and logs.last_day and logs.first_day > logs.last_day:
        yield Mistake(("logs", "first_day"), f"{logs.first_day} is after last_day {logs.last_day}")
    for fault in pattern_faults(logs.time_format, logs.time_year, logs.timezone):
        yield Mistake(("logs", "time_format"), fault)
    for number, side in enumerate(logs.sides):
        told = side.valid_from_format or "ms"
        for fault in pattern_faults(told, logs.time_year, logs.timezone):
            yield Mistake(("logs", "sides", number, "valid_from_format"), fault)
    if logs.time_year is not None and tells_year(logs.time_format):
        yield Mistake(("logs", "time_year"), f"{logs.time_format!r} tells the year itself")


def _days_are_enough(logs: Logs, features: Features, training: Training) -> Iterator[Mistake]:
    left = logs.window_days - training.holdout_days - features.warm_up_days
    if 24 * left <= features.held_out_hours:
        parts = f"{features.tune_days} tune, {features.confirm_days} confirm"
        if features.tune_hours is not None:
            parts = f"{features.tune_hours} hours tune, {features.confirm_hours} hours confirm"
        yield Mistake(
            ("logs", "window_days"),
            f"{logs.window_days} days leave none to learn from: {parts}, "
            f"{features.warm_up_days} warm up and {training.holdout_days} stop the training",
        )


def _hours_split_what_comes_in_time(cleaning: Cleaning, features: Features) -> Iterator[Mistake]:
    if features.tune_hours is not None and cleaning.late_days:
        message = "an event that comes days late has no hour among those that it came with"
        yield Mistake(("features", "tune_hours"), f"{message}: late_days must be 0")


def _label_agrees_with_itself(label: Label) -> Iterator[Mistake]:
    if isinstance(label, EventTypeLabel):
        both = sorted(set(label.positive) & set(label.negative))
        if both:
            yield Mistake(("label", "negative"), f"{', '.join(both)} are positive too")
    if isinstance(label, ClickedListLabel) and label.clicked == label.column:
        yield Mistake(("label", "clicked"), f"{label.clicked!r} is the list itself")
    for name in tasks_of(label):
        if name == label.name:
            yield Mistake(("label", "tasks", name), f"{name!r} is the label's own name")


def _tasks_have_weights_and_a_tower(label: Label, training: Training) -> Iterator[Mistake]:
    tasks = tasks_of(label)
    if tasks and not training.has_tower:
        message = f"{training.architecture} has no tower, whose hidden layers the tasks share"
        yield Mistake(("training", "architecture"), message)
    for name in training.task_weights:
        if name not in tasks:
            message = f"no task of the label is named so{did_you_mean(name, tasks)}"
            yield Mistake(("training", "task_weights", name), message)


def _repetitions_agree(cleaning: Cleaning) -> Iterator[Mistake]:
    if cleaning.count_repetitions and not cleaning.deduplicate_on:
        message = "needs the columns of `deduplicate_on`, in which repetitions are equal"
        yield Mistake(("cleaning", "count_repetitions"), message)
    yield from _twice([rule.code for rule in cleaning.rules], ("cleaning", "rules"), "code")


def _names_of_inputs(label: Label, features: Features) -> Iterator[Mistake]:
    """Every input has a name of its own, and none that of another column of a FeatureSet."""
    yield from _twice([one.name for one in features.slices], ("features", "slices"))
    made = list(inputs_made(features))
    ours = {*ROW_COLUMNS, *TRAIN_EVENTS, *(LABEL_PREFIX + name for name in tasks_of(label))}
    ours |= {slice_column(number) for number in range(len(features.slices))}
    ours |= {VALUE_PREFIX + name for _, name, _ in made}
    taken: dict[str, str] = {}
    for at, name, maker in made:
        if name in taken:
            yield Mistake(at, f"its input {name!r} is there already, of {taken[name]}")
        elif name in ours:
            yield Mistake(at, f"its input {name!r} has the name of a column of our own")
        taken.setdefault(name, maker)


def inputs_made(features: Features) -> Iterator[tuple[KeyPath, str, str]]:
    """Every model input: the key that makes it, its name, and the maker in words."""
    for number, field in enumerate(features.fields):
        for name in field.inputs:
            yield ("features", "fields", number, "name"), name, f"field [{number}]"
    for number, counter in enumerate(features.counters):
        for field in counter.fields:
            yield ("features", "counters", number), field.name, f"counter [{number}]"


def _only_the_user_is_hashed(logs: Logs, features: Features) -> Iterator[Mistake]:
    for number, field in enumerate(features.fields):
        if field.hashed and field.name != logs.user:
            message = f"hashed = true is for the user {logs.user!r}, and only it"
            yield Mistake(("features", "fields", number, "hashed"), message)
        if field.name == logs.user and not field.hashed:
            message = f"{field.name!r} is the user: say hashed = true"
            yield Mistake(("features", "fields", number, "name"), message)
        if field.hashed and field.kind != "category":
            message = f"a {field.kind} cannot be hashed, only a category"
            yield Mistake(("features", "fields", number, "kind"), message)
        for key in ("shares", "type"):
            if getattr(field, key) == logs.user:
                message = f"{logs.user!r} is the user, and a {field.kind} holds no users"
                yield Mistake(("features", "fields", number, key), message)


def _no_drift_of_users(logs: Logs, validation: Validation) -> Iterator[Mistake]:
    for measure in ("categories", "numbers"):
        if logs.user in getattr(validation.drift, measure):
            message = f"{logs.user} is the user, whom no profile may name"
            yield Mistake(("validation", "drift", measure, logs.user), message)


def _watched_vocabularies_exist(features: Features, validation: Validation) -> Iterator[Mistake]:
    known = [f.name for f in features.fields if f.kind in ("category", "list", "history")]
    for name in validation.max_oov_rate:
        if name not in known:
            message = f"no field with a vocabulary is named so{did_you_mean(name, known)}"
            yield Mistake(("validation", "max_oov_rate", name), message)


def _judged_slices_exist(features: Features, judgement: Judgement) -> Iterator[Mistake]:
    known = [*(one.name for one in SLICES), *(one.name for one in features.slices)]
    for name in judgement.slices.margins:
        if name not in known:
            said = f"no slice is named so{did_you_mean(name, known)}"
            yield Mistake(("judgement", "slices", "margins", name), said)


def _rates_rise(validation: Validation) -> Iterator[Mistake]:
    low, high = validation.label_rate
    if low > high:
        yield Mistake(("validation", "label_rate"), f"{low} is above {high}: least, then most")
    yield from _twice([rule.name for rule in validation.rules], ("validation", "rules"))


def _training_agrees_with_itself(training: Training) -> Iterator[Mistake]:
    if training.has_tower and not training.hidden:
        message = f"is empty, but {training.architecture} has a tower"
        yield Mistake(("training", "hidden"), message)
    kind = training.embedding_optimizer
    if training.table_l2 and kind not in ("auto", "adam"):
        message = f"{kind!r} does not move whole tables, as table_l2 wants; adam and auto do"
        yield Mistake(("training", "embedding_optimizer"), message)


def _a_night_waits_within_its_deadline(
    release: ReleaseChannel, delivery_hours: float, deadline_hours: float
) -> Iterator[Mistake]:
    ends, hours = f"but a night ends after {deadline_hours:g} (deadline_hours)", delivery_hours
    asked = release.approval_hours or 0.0
    if asked >= deadline_hours:
        yield Mistake(("release", "approval_hours"), f"{asked:g}, {ends}")
    elif hours + asked >= deadline_hours:
        also = f" and {asked:g} of approval_hours" if asked else ""
        yield Mistake(("delivery_hours",), f"{hours:g}{also}, {ends}")


_RULES: tuple[tuple[tuple[str, ...], Callable[..., Iterator[Mistake]]], ...] = (
    (("candidates",), _names_of_candidates),
    (("search", "candidates"), _names_of_targets),
    (("only_candidates", "candidates"), _wanted_candidates_exist),
    (("logs",), _names_in_logs),
    (("logs",), _window_of_logs),
    (("logs", "features", "training"), _days_are_enough),
    (("cleaning", "features"), _hours_split_what_comes_in_time),
    (("training",), _training_agrees_with_itself),
    (("training",), private_rows_stand_apart),
    (("training", "candidates"), private_candidates_learn_no_rounding),
    (("label",), _label_agrees_with_itself),
    (("label", "logs", "features"), no_input_tells_an_outcome),
    (("logs",), expressions_are_of_their_row),
    (("label", "logs"), no_column_has_two_roles),
    (("logs", "features"), the_time_is_no_input),
    (("label", "training"), _tasks_have_weights_and_a_tower),
    (("cleaning",), _repetitions_agree),
    (("label", "features"), _names_of_inputs),
    (("logs", "features"), _only_the_user_is_hashed),
    (("logs", "validation"), _no_drift_of_users),
    (("features", "validation"), _watched_vocabularies_exist),
    (("features", "judgement"), _judged_slices_exist),
    (("validation",), _rates_rise),
    (("release", "delivery_hours", "deadline_hours"), _a_night_waits_within_its_deadline),
)
