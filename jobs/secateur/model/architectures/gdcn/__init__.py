"""GDCN (Wang et al., CIKM 2023)."""
