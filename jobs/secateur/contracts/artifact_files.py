"""The names of files in sealed artifacts, once for those who write them and those who read them.

The names of a Package's files, which services read too, stand in `serving/files/layout.py`.
"""

REFUSAL = "refusal.json"  # Refusal, in place of what was refused
WINDOW = "window.json"  # RunWindow

# EventSet: `events/` and `quarantine/` hold a folder a day, `sides/` one a side table.
EVENTS, QUARANTINE, SIDES = "events", "quarantine", "sides"
# A dated side table's row holds from its first millisecond (UTC) to the one before its last.
VERSION_BOUNDS = VERSION_FROM, VERSION_END = "_version_from_ms", "_version_end_ms"
DAY_FOLDER = "date="  # before the day; raw logs in day folders have it too
LATE = "late_days.json"  # LateDays, of an artifact of that kind below the EventSet
COUNTS = "counts.json"  # CleaningCounts; of an EventDay DayCounts

# ValidationReport
REPORT = "report.json"
PROFILE = "profile.json"  # Profile; an AcceptedNight's too

# FeatureSet: a folder a split, `part-NNNNN.parquet` a day in it.
SCHEMA = "schema.json"  # FeatureSchema
VOCABULARY = "vocabulary.parquet"  # field, id, value, count; an AcceptedPrunings' too

# ModelBundle
MODEL = "model.json"  # ModelSpec
CURVE = "curve.json"  # TrainingCurve
BASELINES = "baselines.json"  # Baselines, of a dense one
PRUNING_PLANS = "plans.json"  # PruningPlans
OVERLAP = "overlap.json"  # Overlap

# CandidatePlan
PLAN = "plan.json"  # CandidatePlan
SEARCH = "search.json"  # SearchRecord

# Scorecard, Verdict
SCORECARD = "scorecard.json"  # Scorecard
SCORES = "scores.parquet"  # split, user, label, dense, candidate
VERDICT = "verdict.json"  # Verdict
LEVELS = "levels.json"  # NightLevels, of AcceptedLevels

# What a verb did: Acceptance, PublishReceipt, SweepReceipt, ChannelPointer.
RECEIPT = "receipt.json"
SNAPSHOT_RECEIPT = "snapshots.json"  # SweepReceipt, of the feature snapshots
POINTER = "pointer.json"
HEARTBEAT = "heartbeat.json"  # Heartbeat
ACCEPTED = "accepted"  # a folder of the state: an AcceptedNight a day
FENCE = "night.json"  # no artifact: in the state folder, of the night that works on it
PAGE = "index.html"  # of a Report; of Data Docs below `docs/`


def part_name(number: int) -> str:
    """The name of a folder's Parquet file of this number."""
    return f"part-{number:05d}.parquet"
