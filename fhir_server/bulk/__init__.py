"""Many resources at once, in and out."""
