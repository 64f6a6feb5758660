"""Many clients at once, and servers that are killed."""
