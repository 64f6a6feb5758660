"""Clients that people use, against a running server."""
