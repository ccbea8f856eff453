"""The nouns: typed, immutable, JSON-serialisable, without I/O and without heavy libraries."""
