"""How tonight's cuts follow those of the last accepted night."""
