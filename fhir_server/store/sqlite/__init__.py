"""The store in one SQLite file, shared by several processes."""

from fhir_server.store.sqlite.patience import Limits
from fhir_server.store.sqlite.store import SqliteStore, open_store

__all__ = ["Limits", "SqliteStore", "open_store"]
