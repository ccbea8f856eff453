"""FinalMLP (Mao et al., AAAI 2023)."""
