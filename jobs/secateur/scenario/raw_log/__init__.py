"""Raw logs as they lie: found, read, sampled and counted without Spark, for drafts and checks."""
