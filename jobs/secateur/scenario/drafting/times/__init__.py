"""Which column tells an event's time, how it spells it, and of which year and clocks it is."""
