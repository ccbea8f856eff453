"""A scenario file (TOML) as one frozen, checked value; an unknown key is an error.

Each room is given its own section, never the whole. `load_scenario` reads
`jobs/scenarios/<name>.toml` or a path, and applies overrides such as `judgement.margin=0.02`.
"""

from secateur.model.training_settings import Training
from secateur.scenario.loading import PROJECT, SCENARIOS, load_scenario
from secateur.scenario.sections.cleaning import Cleaning, CleaningRule
from secateur.scenario.sections.features import Features, SliceSpec
from secateur.scenario.sections.inputs import Counter, FieldSpec, Signal
from secateur.scenario.sections.judgement import Judgement, ReleaseChannel
from secateur.scenario.sections.label_rows import ContextEvents
from secateur.scenario.sections.logs import (
    ClickedListLabel,
    ColumnLabel,
    EventTypeLabel,
    Label,
    Logs,
    MarkedListLabel,
    Negatives,
    PurchaseLabel,
    RowLabel,
    ThresholdLabel,
    context_of,
    tasks_of,
)
from secateur.scenario.sections.scenario import Scenario
from secateur.scenario.sections.tables import SideTable, TableFormat
from secateur.scenario.sections.validation import Drift, Rule, Validation

__all__ = [
    "PROJECT",
    "SCENARIOS",
    "Cleaning",
    "CleaningRule",
    "ClickedListLabel",
    "ColumnLabel",
    "ContextEvents",
    "Counter",
    "Drift",
    "EventTypeLabel",
    "Features",
    "FieldSpec",
    "Judgement",
    "Label",
    "Logs",
    "MarkedListLabel",
    "Negatives",
    "PurchaseLabel",
    "ReleaseChannel",
    "RowLabel",
    "Rule",
    "Scenario",
    "SideTable",
    "Signal",
    "SliceSpec",
    "TableFormat",
    "ThresholdLabel",
    "Training",
    "Validation",
    "context_of",
    "load_scenario",
    "tasks_of",
]
