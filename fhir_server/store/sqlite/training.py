"""Dictionaries for the store's bodies, trained on its own resources when there are enough of them.

A body takes a third of what it takes without one. The first is trained early, on few resources, and what was
written before is compressed again; others follow when the store has grown tenfold.
"""

from collections.abc import Iterator
from random import Random
from typing import Any

import apsw
import zstandard

from fhir_server.store.sqlite.bodies import LEVEL
from fhir_server.store.sqlite.reading import Connected
from fhir_server.store.sqlite.writing import Writing

DICTIONARY_BYTES = 65_536
SAMPLES = 2000
SAMPLE_BYTES = 40_000  # of one body: a dictionary learns little from the rest
# of which the dictionary is made; left to itself zstd tries many sizes, four times as long for no better one
SEGMENT_BYTES = 1024
# how many versions there are when dictionary 1, 2, … is trained
DUE = (300, 3_000, 30_000)


def due(newest: int, sequence: int) -> bool:
    """Whether it is time for a dictionary after `newest`."""
    return newest < len(DUE) and sequence >= DUE[newest]


def train(here: Connected, newest: int) -> bytes | None:
    """The dictionary after `newest`; None when there is nothing to learn."""
    here.bodies.use_newest()
    if here.bodies.newest != newest:
        return None  # another process was faster
    try:
        found = zstandard.train_dictionary(
            DICTIONARY_BYTES, [*_samples(here)], dict_id=newest + 1, level=LEVEL, k=SEGMENT_BYTES, d=8
        )
    except zstandard.ZstdError:
        return None  # too few, or all too much alike
    return found.as_bytes()


def _samples(here: Connected) -> Iterator[bytes]:
    last = here.last_sequence()
    for sequence in sorted(Random(last).sample(range(1, last + 1), min(SAMPLES, last))):
        body = here.connection.execute("SELECT body FROM version WHERE seq = ?", (sequence,)).get
        if body:
            yield here.bodies.expand(body)[:SAMPLE_BYTES]


def adopt(writing: Writing, dictionary: bytes, id_: int) -> None:
    """Keep a dictionary, in a transaction; bodies that have none are compressed again by the first."""
    connection = writing.connection
    writing.before_write()
    try:
        connection.execute("INSERT INTO dictionary(id, bytes) VALUES(?, ?)", (id_, dictionary))
    except apsw.ConstraintError:
        return  # another process was faster
    if id_ > 1:
        return
    # writers use the dictionary when it is committed, this one too: it may be rolled back
    trained = zstandard.ZstdCompressionDict(dictionary)
    compress = zstandard.ZstdCompressor(level=LEVEL, dict_data=trained).compress
    kept: list[Any] = connection.execute(
        "SELECT seq, body FROM version WHERE length(body) ORDER BY seq LIMIT ?", (2 * DUE[0],)
    ).fetchall()
    for sequence, body in kept:
        expanded = writing.bodies.expand(body)
        connection.execute("UPDATE version SET body = ? WHERE seq = ?", (compress(expanded), sequence))
