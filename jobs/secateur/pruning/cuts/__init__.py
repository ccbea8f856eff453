"""Which units go, as masks, and the exact compaction that takes them out."""
