"""Bodies of versions, compressed with zstd and a dictionary that is trained on the store's own resources.

A zstd frame names the dictionary it needs (https://www.rfc-editor.org/rfc/rfc8878#name-dictionary_id), so
dictionaries can be added at any time and by any process that shares the file.
"""

from collections.abc import Callable

import apsw
import zstandard

LEVEL = 3

_DICTIONARY_ID_BYTES = (0, 1, 2, 4)
# a frame of a single segment whose dictionary has an id of one byte: the byte behind the descriptor
_WITH_SHORT_ID, _SHORT_ID = 0x23, 0x21


class Bodies:
    """Compresses and expands for one connection; not to be shared by threads."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._expand = {0: zstandard.ZstdDecompressor().decompress}
        self._short: dict[bytes, Callable[[bytes], bytes]] = {}  # by descriptor and id of one byte
        self._compress = zstandard.ZstdCompressor(level=LEVEL).compress
        self.newest = 0  # id of the dictionary that `compress` uses, 0: none
        self.use_newest()

    def use_newest(self) -> None:
        found = self._connection.execute("SELECT max(id) FROM dictionary").get or 0
        if found > self.newest:
            self._compress = zstandard.ZstdCompressor(level=LEVEL, dict_data=self._dictionary(found)).compress
            self.newest = found

    def compress(self, body: bytes) -> bytes:
        return self._compress(body) if body else body

    def expand(self, kept: bytes) -> bytes:
        if not kept:
            return kept
        expand = self._short.get(kept[4:6])
        if expand is not None:
            return expand(kept)
        id_ = dictionary_id(kept)
        expand = self._expand.get(id_)
        if expand is None:
            dictionary = zstandard.ZstdDecompressor(dict_data=self._dictionary(id_))
            expand = self._expand[id_] = dictionary.decompress
        if kept[4] & _WITH_SHORT_ID == _SHORT_ID:
            self._short[kept[4:6]] = expand
        return expand(kept)

    def _dictionary(self, id_: int) -> zstandard.ZstdCompressionDict:
        found = self._connection.execute("SELECT bytes FROM dictionary WHERE id = ?", (id_,)).get
        if found is None:
            raise LookupError(f"the store has no dictionary {id_}")
        return zstandard.ZstdCompressionDict(found)


def dictionary_id(frame: bytes) -> int:
    """The dictionary a zstd frame was made with, 0: none."""
    descriptor = frame[4]
    # a frame of a single segment has no window descriptor
    start = 5 if descriptor & 0x20 else 6
    return int.from_bytes(frame[start : start + _DICTIONARY_ID_BYTES[descriptor & 3]], "little")
