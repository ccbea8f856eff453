"""MaskNet (Wang et al., DLP-KDD 2021)."""
