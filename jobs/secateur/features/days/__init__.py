"""Events a day at a time, and when an event may be known."""
