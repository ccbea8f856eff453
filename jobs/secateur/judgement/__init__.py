"""Metrics, intervals and gates: from scores to a decision. The only library here is numpy."""
