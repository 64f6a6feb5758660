"""The definitions that rules are made of and ask for while they run, kept from check to check.

A run is synchronous and a store is not: what is not here raises `NeededError`, the caller fetches it and runs
again. So a profile costs some runs when it is first used, and none later.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from fhir_server.definitions.registry import Definitions
from fhir_server.definitions.snapshot import TYPE_URL, Snapshots
from fhir_server.resource import Resource

if TYPE_CHECKING:
    from fhir_server.validation.profile.compile import Profile
    from fhir_server.validation.profile.extension import Defined

Codes = frozenset[tuple[str, str]]


class NeededError(Exception):
    """Something that the library was never given: `kind` is "structure" or "codes", `name` a canonical."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"{kind} {name}")
        self.kind = kind
        self.name = name


class Library:
    def __init__(self, definitions: Definitions) -> None:
        self.definitions = definitions
        self.snapshots = Snapshots(self.structure)
        self._structures: dict[str, Resource] = {}
        self._unknown: set[str] = set()  # canonicals that nothing is defined for
        self._codes: dict[str, Codes | None] = {}
        self._codes_alone: dict[str, frozenset[str]] = {}
        self._extensions: dict[str, Defined] = {}
        self._profiles: dict[str, Profile] = {}

    def add_structure(self, canonical: str, structure: Resource | None) -> None:
        """None: there is no such definition."""
        if structure is None:
            self._unknown.add(canonical)
        else:
            self._structures[canonical] = structure

    def add_codes(self, value_set: str, codes: Codes | None) -> None:
        """None: the codes cannot be listed."""
        self._codes[value_set] = codes

    def structure(self, canonical: str) -> Resource | None:
        found = self._structures.get(canonical)
        if found is None and canonical not in self._unknown:
            raise NeededError("structure", canonical)
        return found

    def forget_unknown(self, kept: int) -> None:
        """Where more are known not to exist: clients may name any."""
        if len(self._unknown) > kept:
            self._unknown.clear()

    def lacking(self, canonicals: Iterable[str]) -> list[str]:
        """Those that were never asked for."""
        asked = self._structures.keys() | self._unknown
        return [each for each in dict.fromkeys(canonicals) if each not in asked]

    def codes(self, value_set: str) -> Codes | None:
        try:
            return self._codes[value_set]
        except KeyError:
            raise NeededError("codes", value_set) from None

    def codes_alone(self, value_set: str) -> frozenset[str]:
        """Without their systems: those of a value set that can be listed."""
        found = self._codes_alone.get(value_set)
        if found is None:
            found = self._codes_alone[value_set] = frozenset(code for _, code in self.codes(value_set) or ())
        return found

    def profile(self, canonical: str) -> "Profile | None":
        """The rules of a profile, compiled when it is first asked for; None: there is no such definition.

        Raises DefinitionError for a profile that is wrong.
        """
        found = self._profiles.get(canonical)
        if found is None:
            from fhir_server.validation.profile.compile import compile_profile

            structure = self.structure(canonical)
            if structure is None:
                return None
            found = self._profiles[canonical] = compile_profile(self, canonical, structure)
        return found

    def extension(self, url: str) -> "Defined | None":
        """What the definition of an extension says; None: there is none. Raises like `profile`."""
        found = self._extensions.get(url)
        if found is None:
            from fhir_server.validation.profile.extension import defined

            made = defined(self, url)
            if made is None:
                return None
            found = self._extensions[url] = made
        return found

    def type_of(self, canonical: str) -> str | None:
        """The type that a profile is of; None: it is not known."""
        name = canonical.partition("|")[0].removeprefix(TYPE_URL)
        if self.definitions.has_type(name):
            return name
        structure = self.structure(canonical)
        found: Any = None if structure is None else structure.get("type")
        return found if isinstance(found, str) else None


Compile = Callable[[str], "Profile | None"]
