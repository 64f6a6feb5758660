"""One check of one resource: what the rules are given beside the value they look at, and where issues go."""

from typing import Any

from fhir_server.fhirpath.scope import Scope
from fhir_server.outcome import Issue
from fhir_server.resource import Resource
from fhir_server.validation.profile.finding import (
    UNKNOWN,
    Beside,
    Found,
    Problem,
    passes,
    unknown,
    unknowns,
    waits,
)
from fhir_server.validation.profile.library import Library


class Questions:
    """What a run asks beyond its library; here nobody knows an answer."""

    def resolve(self, reference: str) -> Resource | None:
        """By the text of a reference, the resource; None: not found."""
        return None

    def contains(self, value_set: str, system: str | None, code: str) -> bool | None:
        """Of a value set whose codes cannot be listed; None: cannot be decided."""
        return None

    def waits_for(self, reference: str) -> bool:
        """Whether a target is not here yet; then it will be when the run goes on."""
        return False


_NO_ANSWERS = Questions()


class Gathered:
    """What a run has found, with those for the resources within."""

    __slots__ = ("conforming", "doubts", "found", "passed", "undecided", "unsettled")

    def __init__(self) -> None:
        self.found: list[tuple[str, Problem]] = []  # (path, problem)
        self.passed: set[Any] = set()  # (value set, system, code) that need no other look
        self.undecided: set[Any] = set()  # likewise, where nobody can say
        self.conforming: set[tuple[int, str]] = set()  # (value, profile) in the middle of being checked
        self.doubts = 0  # times that nobody could say whether something is in a slice
        self.unsettled = False  # True: an answer was needed at once, the run has to be made again


class Run:
    def __init__(
        self,
        library: Library,
        resource: Resource,
        *,
        root: Resource | None = None,
        bundle: Resource | None = None,
        questions: Questions | None = None,
    ) -> None:
        self.library = library
        self.resource = resource
        self.root = root  # the resource that contains it; None: it is contained in none
        self.bundle = bundle  # None: it is no entry
        self.questions = questions or _NO_ANSWERS
        self.gathered = Gathered()
        self._scope: Scope | None = None

    @property
    def scope(self) -> Scope:
        """For expressions."""
        if self._scope is None:
            conforms = self._conforms_to
            self._scope = Scope(self.resource, self.root, None, self.resolve, self.member_of, conforms)
        return self._scope

    def within(self, resource: Resource, *, contained: bool) -> "Run":
        """A run for a resource in this one, with the same ears."""
        if contained:
            made = Run(
                self.library,
                resource,
                root=self.root or self.resource,
                bundle=self.bundle,
                questions=self.questions,
            )
        else:
            in_bundle = self.resource.get("resourceType") == "Bundle"
            made = Run(
                self.library,
                resource,
                bundle=self.resource if in_bundle else self.bundle,
                questions=self.questions,
            )
        made.gathered = self.gathered
        return made

    def take(self, at: str, found: Found) -> None:
        """at: the path of the value of which it was found."""
        self.gathered.found += [(at + path, one) for path, one in found]

    def go_on(self) -> None:
        """Ask the rules that were waiting."""
        before, self.gathered.found = self.gathered.found, []
        for at, one in before:
            self.take(at, one.later() if one.later is not None else [("", one)])

    @property
    def issues(self) -> list[Issue]:
        return [
            Issue(one.severity, one.code, f"{at}: {one.text}", at, one.message)
            for at, one in self.gathered.found
            if one.message != UNKNOWN
        ]

    @property
    def unknown(self) -> dict[str, str]:
        """Profiles that are not known: canonical -> where it is asked for first."""
        found: dict[str, str] = {}
        for at, one in unknowns(self.gathered.found):
            found.setdefault(one.text, at)
        return found

    def passes(self, found: Found) -> bool:
        """Whether there is no error in it, for who cannot wait."""
        if waits(found):
            self.gathered.unsettled = True
        return passes(found)

    def tries(self, canonical: str, value: Any, beside: Beside, type_: str) -> tuple[bool, Found]:
        """Whether a value conforms to a profile; and the profiles that are not known, which fit all."""
        profile = self.library.profile(canonical)
        if profile is None:
            return True, unknown(canonical)
        found = profile.rule(value, beside, type_, self)
        return self.passes(found), unknowns(found)

    def conforms(self, canonical: str, value: Any, beside: Beside, type_: str) -> bool:
        """The same where nobody tells where the value stands."""
        conforms, unknown_ones = self.tries(canonical, value, beside, type_)
        self.take(type_, unknown_ones)
        return conforms

    def resolve(self, reference: str) -> Resource | None:
        """The target of a reference: an entry of the same bundle, or what the function handed in finds."""
        if reference.startswith("#"):
            return self._contained(reference[1:])
        found = None if self.bundle is None else entry_resource(self.bundle, reference, self.full_url())
        return found if found is not None else self.questions.resolve(reference)

    def waits_for(self, reference: str) -> bool:
        """Whether the target of a reference is not here yet."""
        if reference.startswith("#"):
            return False
        if self.bundle is not None and entry_resource(self.bundle, reference, self.full_url()) is not None:
            return False
        return self.questions.waits_for(reference)

    def _contained(self, id_: str) -> Resource | None:
        container = self.root or self.resource
        if id_ == "":
            return container
        return next((one for one in container.get("contained", ()) if one.get("id") == id_), None)

    def full_url(self) -> str:
        assert self.bundle is not None
        container = self.root or self.resource
        entries = (entry for entry in self.bundle.get("entry", ()) if entry.get("resource") is container)
        found = next(entries, None)
        return str(found.get("fullUrl", "")) if found else ""

    def member_of(self, type_name: str, value: Any, value_set: str) -> bool | None:
        from fhir_server.validation.profile.binding import is_member

        return is_member(self, type_name, value, value_set)

    def _conforms_to(self, value: dict[str, Any], canonical: str) -> bool:
        type_ = value.get("resourceType") or self.library.type_of(canonical) or "Element"
        return self.conforms(canonical, value, None, type_)


def entry_resource(bundle: Resource, reference: str, full_url: str) -> Resource | None:
    """https://hl7.org/fhir/R4/bundle.html#references"""
    wanted = reference.partition("/_history/")[0]
    if ":" not in reference:
        base = full_url.rsplit("/", 2)[0] if full_url.startswith("http") else None
        wanted = f"{base}/{wanted}" if base else wanted
    for entry in bundle.get("entry", ()):
        found = entry.get("resource")
        if not isinstance(found, dict):
            continue
        own = str(entry.get("fullUrl", ""))
        if own == wanted:
            return found
        if ":" not in wanted and wanted == f"{found.get('resourceType')}/{found.get('id')}":
            return found
    return None
