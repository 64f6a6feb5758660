"""What a store over another one leaves to it: rules and jobs."""

from collections.abc import Callable

from fhir_server.store.jobs import Job
from fhir_server.store.protocol import Reader, Transaction
from fhir_server.store.rows import Rows


class PassingReader:
    _main: Reader

    async def rules(self) -> bytes:
        return await self._main.rules()

    async def job(self, id_: str) -> Job | None:
        return await self._main.job(id_)

    async def jobs(self, kind: str | None = None, *, open_only: bool = False) -> list[Job]:
        return await self._main.jobs(kind, open_only=open_only)


class PassingTransaction:
    _tx: Transaction

    @property
    def main(self) -> Transaction:
        """What is written to: the main store alone."""
        return self._tx

    @property
    def rules_mark(self) -> int:
        return self._tx.rules_mark

    async def set_rules(self, rules: bytes) -> None:
        await self._tx.set_rules(rules)

    async def add_rows(self, resource_type: str, id_: str, sequence: int, rows: Rows) -> bool:
        return await self._tx.add_rows(resource_type, id_, sequence, rows)

    async def drop_rows(self, of: Callable[[str], bool], limit: int, *, texts: bool = False) -> int:
        return await self._tx.drop_rows(of, limit, texts=texts)

    async def drop_words(self) -> None:
        await self._tx.drop_words()

    async def put_job(self, job: Job) -> None:
        await self._tx.put_job(job)

    async def drop_job(self, id_: str) -> None:
        await self._tx.drop_job(id_)
