"""Causal claims of a report as a Bayesian model of a loop, tested against panels of data."""
