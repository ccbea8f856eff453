"""Choose units by importance, mask them, cut them out, repair. Heavy library: torch."""
