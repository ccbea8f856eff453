"""One file a table of the scenario's TOML, and the whole scenario."""
