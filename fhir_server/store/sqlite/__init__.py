"""The store in one SQLite file, shared by several processes."""

from fhir_server.store.sqlite.backup import BackupError, backup, restore
from fhir_server.store.sqlite.check import Finding, check, rules_in
from fhir_server.store.sqlite.patience import Limits
from fhir_server.store.sqlite.schema import SchemaError
from fhir_server.store.sqlite.store import SqliteStore, open_store

__all__ = [
    "BackupError",
    "Finding",
    "Limits",
    "SchemaError",
    "SqliteStore",
    "backup",
    "check",
    "open_store",
    "restore",
    "rules_in",
]
