"""How sure a difference between two models is, where rows of a user or an item err together."""
