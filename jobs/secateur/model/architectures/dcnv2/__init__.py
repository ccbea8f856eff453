"""DCN-V2 (Wang et al., WWW 2021)."""
