"""Questions drawn by chance: mostly about what resources have, some about what none has, some wrong."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from fhir_server.definitions.types import SearchParameter
from tests.search.reference import filters, full_text, grammar, hierarchies, presentation, terminology
from tests.search.reference.difficult import CODES, HOSTILE, TREE
from tests.search.reference.draw_values import MODIFIED, TEXTS, full_text_query, place, reference, token
from tests.search.reference.hostile import BASE
from tests.search.reference.known import MODIFIERS
from tests.search.reference.references import Identity
from tests.search.reference.search import Question
from tests.search.reference.world import Typed, World

SORTED = ("string", "date", "number", "reference")
CODED = {"code", "CodeableConcept", "Coding", "boolean"}


class Drawing:
    """Questions about one world."""

    def __repr__(self) -> str:  # short, as a failing test shows it
        return "Drawing(…)"

    def __init__(self, world: World) -> None:
        self.world = world
        self.types = sorted({type_ for type_, _ in world.resources})
        self._used: dict[str, list[SearchParameter]] = {}
        self._by_type: dict[str, list[Identity]] = {}
        for identity in sorted(world.resources):
            self._by_type.setdefault(identity[0], []).append(identity)

    def question(self, chance: Random) -> Question:
        path, types = self._path(chance)
        asked: list[tuple[str, str]] = []
        for _ in range(chance.choice((1, 1, 1, 1, 2, 2, 3))):
            asked.append(self._criterion(chance, types, chance.choice((0, 0, 0, 1, 1, 2, 3))))
        if path == "" or path.endswith("*"):
            asked += [("_type", ",".join(types))] if types else []
        if chance.random() < 0.04 and (query := self._suiting(chance, types)):
            asked = asked[: chance.choice((0, 1))] + self._query(chance, types, query)
        asked += self._results(chance, types)
        if chance.random() < 0.1 and "/" not in path:
            asked.append(("_contained", chance.choice(("true", "both", "both", "false"))))
            if chance.random() < 0.6:
                asked.append(("_containedType", chance.choice(("contained", "container"))))
        return Question(path, tuple(asked))

    def _suiting(self, chance: Random, types: Sequence[str]) -> Identity | None:
        """A query that can be asked of types; of any others one time in five."""
        held = self._by_type.get("OperationDefinition", [])
        meant = [each for each in held if set(types) <= set(self.world.resources[each].get("resource", ()))]
        found = held if chance.random() < 0.2 else meant
        return chance.choice(found) if found else None

    def _query(self, chance: Random, types: Sequence[str], query: Identity) -> list[tuple[str, str]]:
        """A search that has a name, and its parameters."""
        found = [("_query", self.world.resources[query].get("code", "absent"))]
        for each in self.world.resources[query].get("parameter", ()):
            meant = each.get("documentation", "")  # hostile ones say which parameter they stand for
            suiting = [p for p in self._shared(types) if p.code == meant]
            for _ in range(chance.choice((0, 1, 1, 1, 2))):
                value = self._plain(chance, types[0], suiting[0])[1] if suiting else self._hostile(chance)
                found.append((each["name"], value))
        return found

    def used(self, resource_type: str) -> list[SearchParameter]:
        """Parameters that have a value in some resource of the type."""
        if resource_type not in self._used:
            known = self.world.definitions.search_parameters(resource_type).values()
            self._used[resource_type] = [each for each in known if self.values(resource_type, each)]
        return self._used[resource_type]

    def values(self, resource_type: str, parameter: SearchParameter) -> list[tuple[Identity, Typed]]:
        if parameter.expression is None or parameter.type == "special":
            return []
        return [
            (identity, typed)
            for identity in self._by_type.get(resource_type, ())
            for typed in self.world.values(identity, parameter)
        ]

    def _path(self, chance: Random) -> tuple[str, tuple[str, ...]]:
        roll = chance.random()
        if roll < 0.8:
            type_ = chance.choice(self.types)
            return type_, (type_,)
        if roll < 0.9:
            return "", tuple(
                dict.fromkeys(chance.choice(self.types) for _ in range(chance.choice((0, 1, 2, 2, 3))))
            )
        holders = [each for each in self.world.definitions.compartments if each in self._by_type]
        if not holders:
            return "", ()
        holder = chance.choice(holders)
        id_ = chance.choice([*self._by_type[holder], (holder, "absent")])[1]
        members = [each for each in self.types if self.world.definitions.compartment(holder).get(each)]
        if roll < 0.97 and members:
            type_ = chance.choice(members)
            return f"{holder}/{id_}/{type_}", (type_,)
        return f"{holder}/{id_}/*", tuple(
            dict.fromkeys(chance.choice(members) for _ in range(2))
        ) if members else ()

    def _criterion(self, chance: Random, types: Sequence[str], steps: int) -> tuple[str, str]:
        shared = self._shared(types)
        references = [each for each in shared if each.type == "reference"]
        if steps and references and chance.random() < 0.6:
            return self._chain(chance, chance.choice(types), chance.choice(references), steps)
        if steps and len(types) == 1 and (found := self._reverse(chance, types[0], steps)):
            return found
        if not shared or chance.random() < 0.02:
            return chance.choice(("_id", "name", "code", "nonsense", "date", "_lastUpdated")), self._hostile(
                chance
            )
        if (special := self._special(chance, types, steps)) is not None:
            return special
        parameter = chance.choice(shared)
        if chance.random() < 0.1:
            return f"{parameter.code}:missing", chance.choice(("true", "false") * 10 + ("maybe",))
        return self._plain(chance, chance.choice(types) if types else chance.choice(self.types), parameter)

    def _special(self, chance: Random, types: Sequence[str], steps: int) -> tuple[str, str] | None:
        """What is no parameter with values of its own."""
        roll = chance.random()
        if types and chance.random() < 0.06:
            return chance.choice(full_text.PARAMETERS), grammar.written(self.words(chance, types[0]))
        if len(types) == 1 and roll < 0.15 and (found := Filters(self, chance).drawn(types[0], steps)):
            return "_filter", filters.written(found)
        if roll < 0.18 and (lists := self._by_type.get("List")):
            ids = [chance.choice(lists)[1], chance.choice(("absent", chance.choice(lists)[1]))]
            return "_list", ",".join(ids[: chance.choice((1, 1, 2))])
        if types == ("Location",) and roll < 0.5:
            return "near", place(chance, [self.world.resources[each] for each in self._by_type["Location"]])
        return None

    def words(self, chance: Random, type_: str) -> str:
        resource = self.world.resources[chance.choice(self._by_type[type_])]
        have = [*full_text.narrative(resource), *full_text.texts(self.world.definitions, resource)]
        return full_text_query(chance, have)

    def _shared(self, types: Sequence[str]) -> list[SearchParameter]:
        if not types:
            return [each for each in self.used(self.types[0]) if each.code.startswith("_")]
        codes = set.intersection(*({each.code for each in self.used(type_)} for type_ in types))
        return [each for each in self.used(types[0]) if each.code in codes]

    def _chain(self, chance: Random, type_: str, parameter: SearchParameter, steps: int) -> tuple[str, str]:
        targets = [each for each in self.world.targets(parameter, type_) if each in self._by_type]
        if not targets:
            return f"{parameter.code}._id", "x"
        target = chance.choice(targets)
        name, value = self._criterion(chance, (target,), steps - 1)
        of_type = f":{target}" if chance.random() < 0.5 else ""
        return f"{parameter.code}{of_type}.{name}", value

    def _reverse(self, chance: Random, type_: str, steps: int) -> tuple[str, str] | None:
        found = [
            (source, parameter)
            for source in self.types
            for parameter in self.used(source)
            if parameter.type == "reference" and type_ in self.world.targets(parameter, source)
        ]
        if not found:
            return None
        source, parameter = chance.choice(found)
        name, value = self._criterion(chance, (source,), steps - 1)
        return f"_has:{source}:{parameter.code}:{name}", value

    def _plain(self, chance: Random, type_: str, parameter: SearchParameter) -> tuple[str, str]:
        modifier = self._modifier(chance, type_, parameter)
        values = [
            self._text(chance, type_, parameter, modifier) for _ in range(chance.choice((1, 1, 1, 2, 3)))
        ]
        return f"{parameter.code}{modifier}", ",".join(values)

    def _modifier(self, chance: Random, type_: str, parameter: SearchParameter) -> str:
        roll = chance.random()
        if roll < 0.6:
            return ""
        if roll < 0.62:
            return chance.choice((":exact", ":not", ":contains", ":Patient", ":identifier", ":nonsense"))
        if parameter.type == "reference" and roll < 0.9:
            of_type = f":{chance.choice(self.world.targets(parameter, type_))}"
            is_hierarchy = hierarchies.is_one(self.world, parameter, type_)
            return chance.choice((of_type, ":above", ":below")) if is_hierarchy else of_type
        have = self.world.types(parameter, type_) or frozenset()
        known = [
            modifier
            for modifier, needed in MODIFIERS.get(parameter.type, {}).items()
            if not needed or not needed.isdisjoint(have)
        ]
        return f":{chance.choice(known)}" if known else ""

    def _text(self, chance: Random, type_: str, parameter: SearchParameter, modifier: str) -> str:
        roll = chance.random()
        if roll < 0.02:
            return self._hostile(chance)
        if parameter.type == "composite":
            return self._composite(chance, type_, parameter)
        values = self.values(type_, parameter)
        if parameter.code == "_id" and values:
            id_: str = chance.choice(values)[1][1]
            return id_.swapcase() if roll < 0.15 else id_
        if not values:
            return self._hostile(chance)
        typed = chance.choice(values)[1]
        if modifier == ":identifier" and typed[0] == "Reference":
            return token(chance, ("Identifier", typed[1].get("identifier", {})))
        if parameter.type == "reference" and modifier in (":above", ":below"):
            targets = [each for each in self.world.targets(parameter, type_) if each in self._by_type]
            held = self._by_type[chance.choice(targets)] if targets else [(type_, "absent")]
            return "/".join(chance.choice(held))
        if modifier and parameter.type == "reference" and roll < 0.9:  # the type of the modifier goes before
            return reference(chance, typed).rpartition("/")[2]
        if parameter.type == "token" and modifier[1:] in terminology.MODIFIERS:
            return self._meaning(chance, modifier)
        draw = MODIFIED.get(modifier, TEXTS[parameter.type])
        return draw(chance, typed) or self._hostile(chance)

    def _meaning(self, chance: Random, modifier: str) -> str:
        if chance.random() < 0.1:
            return chance.choice(
                ("cat", "http://nowhere|cat", f"{TREE}|unicorn", f"{TREE}|", "ValueSet/absent")
            )
        if modifier in (":above", ":below"):
            return f"{TREE}|{chance.choice([code for system, code in CODES if system == TREE])}"
        sets = self._by_type.get("ValueSet") or [("ValueSet", "absent")]
        name = chance.choice(sets)
        url = self.world.resources.get(name, {}).get("url", "http://nowhere")
        return chance.choice((f"ValueSet/{name[1]}", f"{BASE}/ValueSet/{name[1]}", url))

    def _composite(self, chance: Random, type_: str, parameter: SearchParameter) -> str:
        found = []
        identity, item = chance.choice(self.values(type_, parameter))
        resource = self.world.resources[identity]
        for url, expression in parameter.components:
            definition = self.world.definitions.search_parameter_by_url(url)
            assert definition is not None
            start, value = item
            if expression.startswith("%resource."):
                expression, start, value = expression.removeprefix("%resource."), type_, resource
            values = self.world.select(expression, start, value, resource)
            kind = (
                {"Reference": "reference", "code": "token"}.get(values[0][0], definition.type)
                if values
                else ""
            )
            text = TEXTS[kind](chance, chance.choice(values)) if values else ""
            found.append(text or "1")
        return "$".join(found)

    def _hostile(self, chance: Random) -> str:
        return chance.choice(HOSTILE)

    def _results(self, chance: Random, types: Sequence[str]) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = [("_count", str(chance.choice((2, 3, 5, 10, 50, 100, 1000))))]
        if chance.random() < 0.35 and (sort := self._sort(chance, types)):
            found.append(("_sort", sort))
        if chance.random() < 0.3:
            found.append(("_total", "accurate"))
        if chance.random() < 0.12:
            found.append(("_summary", chance.choice((*presentation.SUMMARIES, *presentation.SUMMARIES, "x"))))
        if types and chance.random() < 0.12:
            found.append(("_elements", self._elements(chance, types)))
        while types and chance.random() < 0.2:
            found.append(self._include(chance, types))
        return found

    def _elements(self, chance: Random, types: Sequence[str]) -> str:
        type_ = chance.choice(types)
        names = list(self.world.resources[chance.choice(self._by_type[type_])])
        properties = self.world.definitions.type(type_).properties
        known = [properties[each][0].name for each in names if each in properties]
        found = [chance.choice([*known, "text", "contained"]) for _ in range(chance.choice((1, 1, 2, 3)))]
        return ",".join(chance.choice((each, each, f"{type_}.{each}")) for each in found)

    def _sort(self, chance: Random, types: Sequence[str]) -> str:
        codes = ["_id", "_lastUpdated", "-_id", "-_lastUpdated"]
        for parameter in self._shared(types):
            if parameter.code not in ("_id", "_lastUpdated") and all(
                self._is_sorted(each, parameter) for each in types
            ):
                codes += [parameter.code, f"-{parameter.code}"]
        return ",".join(chance.choice(codes) for _ in range(chance.choice((1, 1, 2, 3))))

    def _is_sorted(self, type_: str, parameter: SearchParameter) -> bool:
        own = self.world.parameter(type_, parameter.code)
        if own is None or own.type != parameter.type:
            return False
        if own.type in SORTED:
            return "resolve()" not in (own.expression or "")
        return (
            own.type == "token"
            and own.code != "deceased"
            and all(typed[0] in CODED for _, typed in self.values(type_, own))
        )

    def _include(self, chance: Random, types: Sequence[str]) -> tuple[str, str]:
        iterate = chance.choice(("", "", ":iterate"))
        if chance.random() < 0.15:
            every = chance.choice(("*", f"{chance.choice(types)}:*", f"{chance.choice(self.types)}:*"))
            return chance.choice((f"_include{iterate}", f"_revinclude{iterate}")), every
        source = chance.choice(types) if not iterate or chance.random() < 0.5 else chance.choice(self.types)
        if chance.random() < 0.5:
            found = self._reverse(chance, source, 1)
            if found:
                _, other, code, *_ = found[0].split(":")
                return f"_revinclude{iterate}", f"{other}:{code}"
        references = [each for each in self.used(source) if each.type == "reference"]
        if not references:
            return f"_include{iterate}", "Encounter:subject"
        parameter = chance.choice(references)
        target = f":{chance.choice(self.world.targets(parameter, source))}" if chance.random() < 0.2 else ""
        return f"_include{iterate}", f"{source}:{parameter.code}{target}"


class Filters:
    """A `_filter` about what resources of a type have."""

    def __init__(self, drawing: Drawing, chance: Random) -> None:
        self._drawing = drawing
        self._chance = chance

    def drawn(self, type_: str, steps: int, depth: int = 2) -> filters.Filter | None:
        roll = self._chance.random()
        if depth and roll < 0.3:
            terms = [self.drawn(type_, steps, depth - 1) for _ in range(2)]
            known = tuple(each for each in terms if each is not None)
            return filters.Filter(self._chance.choice(("and", "or")), known) if len(known) == 2 else None
        if depth and roll < 0.4:
            term = self.drawn(type_, steps, depth - 1)
            return filters.Filter("not", (term,)) if term is not None else None
        parameters = [
            each
            for each in self._drawing.used(type_)
            if each.type in filters.OPERATORS or each.type == "reference"
        ]
        if not parameters:
            return None
        if roll > 0.95:
            step, text = filters.Step("_content"), self._drawing.words(self._chance, type_)
            return filters.Filter("compare", path=(step,), operator="co", value=text)
        parameter = self._chance.choice(parameters)
        if steps and parameter.type == "reference" and roll < 0.8:
            return self._chained(type_, parameter, steps)
        return self._comparison(type_, parameter)

    def _chained(self, type_: str, parameter: SearchParameter, steps: int) -> filters.Filter | None:
        world = self._drawing.world
        targets = [each for each in world.targets(parameter, type_) if each in world.held_types]
        if len(world.targets(parameter, type_)) != 1 or not targets:
            return None  # what goes to several types has to suit all of them
        inner = self.drawn(targets[0], steps - 1, 0)
        if inner is None or inner.kind != "compare":
            return None
        where = self.drawn(targets[0], 0, 1) if self._chance.random() < 0.4 else None
        step = filters.Step(parameter.code, where)
        return replace(inner, path=(step, *inner.path))

    def _comparison(self, type_: str, parameter: SearchParameter) -> filters.Filter | None:
        chance = self._chance
        operator = chance.choice(filters.OPERATORS[parameter.type])
        if chance.random() < 0.03:
            operator = chance.choice(("eq", "co", "po", "xx", "pr", "gt"))
        value = chance.choice(("true", "false"))
        if operator != "pr":
            values = self._drawing.values(type_, parameter)
            identity, typed = chance.choice(values)
            if parameter.code == "_id":
                value = identity[1]
            else:
                value = grammar.plain(MODIFIED.get("", TEXTS[parameter.type])(chance, typed) or "1")
                if parameter.type in ("date", "number", "quantity"):
                    value = value.lstrip("abcdefghijklmnopqrstuvwxyz")
        if not value or (any(each in value for each in '\\$|"') and parameter.type == "uri"):
            return None
        return filters.Filter("compare", path=(filters.Step(parameter.code),), operator=operator, value=value)
