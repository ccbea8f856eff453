"""DIN (Zhou et al., KDD 2018)."""
