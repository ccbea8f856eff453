"""DeepFM (Guo et al., IJCAI 2017)."""
