"""Weights that others published: found, checked, and converted to ours."""
