"""The sets that benchmarks measure on."""
