"""A release as plain files below a prefix of its own, for platforms that copy folders."""
