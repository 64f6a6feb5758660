"""The resource by which a store tells that it has the sample."""

MARKER = ("Provenance", "sample-1")
"""Comes last: where it is, all of the sample has been loaded. Another edition takes another number."""
