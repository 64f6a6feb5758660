"""Tables of the SQLite store, as numbered migrations.

Keys are small integers and index tables are clustered by (column, value, key): the keys of one value come out
sorted, and whether a known key has a value is one seek.
"""

import apsw

from fhir_server.store.sqlite.connection import SchemaError as SchemaError
from fhir_server.store.sqlite.connection import transaction

APPLICATION_ID = 0x46484952  # "FHIR"

# Keys of instances (the elements of a composite) are key * INSTANCES + ordinal.
INSTANCES = 1024
# Dates are held within these bounds, so that a width fits into 64 bits.
DATE_LIMIT = 1 << 61
# Dates wider than a day and numbers wider than 1 are also indexed by their high end.
WIDE_DATE = 86_400_000_000
WIDE_NUMBER = 1

_FIRST = f"""
CREATE TABLE resource_type(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, total INTEGER NOT NULL) STRICT;
CREATE TABLE column_name(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  many INTEGER NOT NULL, -- whether a resource ever had more than one date, number or string in it
  widest ANY NOT NULL -- width of the widest date or number that was ever in it
) STRICT;
-- seq: the current version, NULL for a resource that is only referred to; live: there and not deleted
CREATE TABLE resource(
  key INTEGER PRIMARY KEY, type INTEGER NOT NULL, id ANY NOT NULL, seq INTEGER, live INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX resource_identity ON resource(type, id);
CREATE INDEX resource_live ON resource(type) WHERE live;
CREATE TABLE version(
  seq INTEGER PRIMARY KEY, key INTEGER NOT NULL, version_id INTEGER NOT NULL, type INTEGER NOT NULL,
  last_updated INTEGER NOT NULL, method INTEGER NOT NULL, body BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX version_of ON version(key, version_id);
CREATE INDEX version_by_type ON version(type);
CREATE TABLE dictionary(id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
CREATE TABLE token(
  column INTEGER NOT NULL, hash INTEGER NOT NULL, key INTEGER NOT NULL, PRIMARY KEY(column, hash, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE lexicon(
  column INTEGER NOT NULL, text TEXT NOT NULL, hash INTEGER NOT NULL, PRIMARY KEY(column, text, hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX lexicon_by_hash ON lexicon(column, hash);
CREATE TABLE string(
  column INTEGER NOT NULL, text TEXT NOT NULL, key INTEGER NOT NULL, written INTEGER NOT NULL,
  PRIMARY KEY(column, text, key, written)
) STRICT, WITHOUT ROWID;
CREATE INDEX string_by_key ON string(key, column);
CREATE TABLE date(
  column INTEGER NOT NULL, low INTEGER NOT NULL, key INTEGER NOT NULL, width INTEGER NOT NULL,
  PRIMARY KEY(column, low, key, width)
) STRICT, WITHOUT ROWID;
CREATE INDEX date_by_key ON date(key, column);
CREATE INDEX date_wide ON date(column, low + width) WHERE width > {WIDE_DATE};
CREATE TABLE number(
  column INTEGER NOT NULL, low REAL NOT NULL, key INTEGER NOT NULL, high REAL NOT NULL, unit INTEGER NOT NULL,
  PRIMARY KEY(column, low, key, high, unit)
) STRICT, WITHOUT ROWID;
CREATE INDEX number_by_key ON number(key, column);
CREATE INDEX number_wide ON number(column, high) WHERE high - low > {WIDE_NUMBER};
CREATE TABLE reference(
  column INTEGER NOT NULL, target INTEGER NOT NULL, key INTEGER NOT NULL, PRIMARY KEY(column, target, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX reference_by_key ON reference(key, column);
"""

_JOBS_AND_RULES = """
-- at most one row: what the index rows depend on beside the resources; mark: a hash of it, 0 for no rules
CREATE TABLE rules(id INTEGER PRIMARY KEY CHECK(id = 1), mark INTEGER NOT NULL, value BLOB NOT NULL) STRICT;
CREATE TABLE job(
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, state TEXT NOT NULL,
  task BLOB NOT NULL, progress BLOB NOT NULL, done INTEGER NOT NULL, total INTEGER NOT NULL,
  worked INTEGER NOT NULL, message TEXT NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL
) STRICT;
"""

_CONCEPTS = """
-- the concepts of one version of a code system; current: 0 while they are being loaded
CREATE TABLE concept_table(
  id INTEGER PRIMARY KEY, url TEXT NOT NULL, version TEXT NOT NULL, current INTEGER NOT NULL,
  concepts INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX concept_table_current ON concept_table(url, version) WHERE current;
-- place: table << 32 | number, in the order in which the code system has them
CREATE TABLE concept(
  place INTEGER PRIMARY KEY, tabled INTEGER NOT NULL, code TEXT NOT NULL, display TEXT, detail TEXT NOT NULL
) STRICT;
CREATE INDEX concept_code ON concept(tabled, code COLLATE NOCASE);
-- of each concept all that are above it; direct: 1 for its parents
CREATE TABLE concept_above(
  above INTEGER NOT NULL, place INTEGER NOT NULL, direct INTEGER NOT NULL, PRIMARY KEY(above, place)
) STRICT, WITHOUT ROWID;
CREATE TABLE concept_property(
  tabled INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, place INTEGER NOT NULL,
  PRIMARY KEY(tabled, name, value, place)
) STRICT, WITHOUT ROWID;
CREATE VIRTUAL TABLE concept_text USING fts5(text, content='', contentless_delete=1, tokenize='ascii');
-- $closure: the tables that clients keep, by name; what was added in which version
CREATE TABLE closure(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, version INTEGER NOT NULL) STRICT;
CREATE TABLE closure_concept(
  closure INTEGER NOT NULL, system TEXT NOT NULL, code TEXT NOT NULL, version INTEGER NOT NULL,
  PRIMARY KEY(closure, system, code)
) STRICT, WITHOUT ROWID;
CREATE TABLE closure_entry(
  closure INTEGER NOT NULL, version INTEGER NOT NULL, system TEXT NOT NULL, below TEXT NOT NULL,
  above TEXT NOT NULL, PRIMARY KEY(closure, version, system, below, above)
) STRICT, WITHOUT ROWID;
"""

_POSITIONS = """
-- cell: a number that places in one neighbourhood share, see earth.py
CREATE TABLE position(
  column INTEGER NOT NULL, cell INTEGER NOT NULL, key INTEGER NOT NULL, latitude REAL NOT NULL,
  longitude REAL NOT NULL, PRIMARY KEY(column, cell, key, latitude, longitude)
) STRICT, WITHOUT ROWID;
CREATE INDEX position_by_key ON position(key, column);
"""

_FULL_TEXT = """
-- words of the current versions, by key; see full_text.py
CREATE VIRTUAL TABLE full_text USING fts5(
  narrative, content, content='', contentless_delete=1, tokenize='ascii'
);
-- sequence: full_text has the versions up to it; no row: nobody has searched by text yet
CREATE TABLE full_text_state(id INTEGER PRIMARY KEY CHECK(id = 1), sequence INTEGER NOT NULL) STRICT;
"""

# numbers with a unit are sought by it: of many numbers few may be in a rare one
_UNITS = "CREATE INDEX number_by_unit ON number(column, unit, low);"

HAS_RULES = 2  # the schema that began to have them; read-only layers may be older
MIGRATIONS: tuple[str, ...] = (_FIRST, _JOBS_AND_RULES, _CONCEPTS, _POSITIONS, _FULL_TEXT, _UNITS)
"""Step n takes a store of version n to version n + 1. Steps are never edited once released."""


def version_of(connection: apsw.Connection, known: int = len(MIGRATIONS)) -> int:
    """The schema version of a store's file, 0 for an empty file; raises SchemaError."""
    found = int(connection.pragma("user_version"))
    if int(connection.pragma("application_id")) != APPLICATION_ID:
        if found or connection.execute("SELECT count(*) FROM sqlite_schema").get:
            raise SchemaError("the file is an SQLite database, and not a FHIR store")
        return 0
    if found > known:
        raise SchemaError(
            f"the store has schema {found}, this release knows up to {known}: "
            "use the release that wrote it, or a newer one"
        )
    return found


def migrate(connection: apsw.Connection, steps: tuple[str, ...] = MIGRATIONS) -> None:
    """Bring the store to the newest schema, one transaction a step, so that it can be killed anywhere."""
    while version_of(connection, len(steps)) < len(steps):
        with transaction(connection):
            # another process may have taken the step while this one waited
            step = version_of(connection, len(steps))
            if step < len(steps):
                connection.execute(steps[step])
                connection.pragma("application_id", APPLICATION_ID)
                connection.pragma("user_version", step + 1)
