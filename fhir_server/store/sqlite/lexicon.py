"""Tokens and units by their texts, which a lexicon has with the hashes that the index rows are under."""

from typing import TYPE_CHECKING

from fhir_server.store.algebra import Between, LexiconIn
from fhir_server.store.sqlite.terms import NOWHERE, Leaf, Sql, Term, Universe, either, equal, starts

if TYPE_CHECKING:
    from fhir_server.store.sqlite.compile import Compiler

INLINE = 64  # so many hashes are looked up beforehand; more are joined


def with_texts(compiler: "Compiler", node: LexiconIn, _universe: Universe) -> Term:
    """Tokens of a column whose texts are in the lexicon, under the name of a column."""
    id_ = compiler.column(node.column)
    select = _hashes(compiler, node.lexicon or node.column, node.texts, node.prefix)
    if id_ is None or select is None:
        return NOWHERE
    found = compiler.rows(Sql(f"{select.text} LIMIT {INLINE + 1}", select.values))
    if len(found) <= INLINE:
        return compiler.tokens(node.column, tuple(sorted({row[0] for row in found})))
    where = Sql(f"{{a}}.column = ? AND {{a}}.hash IN ({select.text})", (id_, *select.values))
    # to seek so many hashes for each key that is tested would cost more than to collect the keys
    return Leaf(compiler.bounded, "token", id_, where, collected=True)


def units(compiler: "Compiler", node: Between) -> tuple[int, ...] | None:
    """Hashes of the units that are asked for, also by their texts; None: any."""
    if node.units is None and not node.unit_texts:
        return None
    select = _hashes(compiler, node.column, node.unit_texts, prefix=False)
    found = [] if select is None else compiler.rows(select)
    return tuple(sorted({*(node.units or ()), *(row[0] for row in found)}))


def _hashes(compiler: "Compiler", lexicon: str, texts: tuple[str, ...], prefix: bool) -> Sql | None:
    id_ = compiler.column(lexicon)
    if id_ is None or not texts:
        return None
    found = tuple(sorted(set(texts)))
    where = either([starts("text", text) for text in found]) if prefix else equal("text", found)
    return Sql(f"SELECT hash FROM lexicon WHERE column = ? AND {where.text}", (id_, *where.values))
