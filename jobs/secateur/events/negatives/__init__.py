"""Negatives for a log that holds positives only, drawn from what was live at the event's moment."""
