"""DLRM (Naumov et al., 2019)."""
