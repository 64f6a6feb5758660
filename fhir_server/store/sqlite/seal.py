"""Make a store's file as small as it can be, for one that nobody will write any more."""

import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import zstandard

from fhir_server.store.sqlite.bodies import Bodies
from fhir_server.store.sqlite.connection import open_writer, transaction

LEVEL = 12  # a fifth smaller than the store's own; the highest levels take ten times longer for 5 % more
TRAINING_LEVEL = 3
DICTIONARY_BYTES = 112_640
SAMPLE_BYTES = 40_000  # of one body: a dictionary learns little from the rest

_COLUMN_OF = [
    (table, "column") for table in ("token", "lexicon", "string", "date", "number", "position", "reference")
]
_PAGE = 200
_BODIES = "SELECT seq, body FROM version WHERE seq > ? AND length(body) ORDER BY seq LIMIT ?"


def seal(path: Path) -> None:
    """Compress all bodies of the store again, by one dictionary trained on them, and drop what is free.

    The file then needs no log beside it. The same versions, put in the same order, give the same bytes:
    columns, which are numbered as they come out of sets of text, are numbered by their names.
    """
    connection = open_writer(path)
    try:
        dictionary = _dictionary([body[:SAMPLE_BYTES] for _, body in _bodies(connection)])
        with transaction(connection):
            _number_by_name(connection)
            if dictionary is not None:
                _compress_again(connection, dictionary)
        connection.pragma("journal_mode", "delete")
        connection.execute("VACUUM")
    finally:
        connection.close()


def without_log(path: Path) -> None:
    """Put into the file what its log still holds, for a file that will be opened as immutable."""
    with closing(open_writer(path)) as connection:
        connection.pragma("journal_mode", "delete")


def _number_by_name(connection: apsw.Connection) -> None:
    """Number the columns by the order of their names."""
    connection.execute(
        "CREATE TEMP TABLE renumbered(old INTEGER PRIMARY KEY, new INTEGER NOT NULL);"
        "INSERT INTO renumbered SELECT id, row_number() OVER (ORDER BY name) FROM column_name"
    )
    tables = [*_COLUMN_OF, ("column_name", "id")]
    for table, number in tables:
        # by way of negative numbers, so that none meets one that is still in use
        new = f"(SELECT -new FROM renumbered WHERE old = {number})"
        connection.execute(f"UPDATE {table} SET {number} = {new}")
    for table, number in tables:
        connection.execute(f"UPDATE {table} SET {number} = -{number}")
    connection.execute("DROP TABLE renumbered")


def _bodies(connection: apsw.Connection) -> Iterator[tuple[int, bytes]]:
    """(sequence, body as it was put) of every version; bodies may be replaced on the way."""
    bodies, after = Bodies(connection), 0
    while page := list(_page(connection, after)):
        for after, kept in page:
            yield after, bodies.expand(kept)


def _page(connection: apsw.Connection, after: int) -> Iterator[tuple[int, bytes]]:
    yield from connection.execute(_BODIES, (after, _PAGE))


def _dictionary(samples: list[bytes | bytearray | memoryview]) -> zstandard.ZstdCompressionDict | None:
    # similar resources stand together, and training looks at parts of the whole
    random.Random(0).shuffle(samples)
    try:
        return zstandard.train_dictionary(DICTIONARY_BYTES, samples, dict_id=1, level=TRAINING_LEVEL)
    except zstandard.ZstdError:
        return None  # too little to learn from


def _compress_again(connection: apsw.Connection, dictionary: zstandard.ZstdCompressionDict) -> None:
    dictionary.precompute_compress(level=LEVEL)
    compress = zstandard.ZstdCompressor(level=LEVEL, dict_data=dictionary).compress
    for sequence, body in _bodies(connection):
        connection.execute("UPDATE version SET body = ? WHERE seq = ?", (compress(body), sequence))
    connection.execute("DELETE FROM dictionary")
    connection.execute("INSERT INTO dictionary(id, bytes) VALUES(1, ?)", (dictionary.as_bytes(),))
