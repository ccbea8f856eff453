"""From a raw log to a scenario that one can start from."""
