"""htmlChecks(): what a narrative may hold.

https://hl7.org/fhir/R4/narrative.html#rules (txt-1, txt-2),
https://hl7.org/fhir/R4/fhirpath.html#functions

The formatting elements of HTML 4.0, chapters 7-11 (except 9.4) and 15, links by name or href, images; no
scripts, forms, frames, event attributes or anything else that is active or comes from elsewhere.
"""

import re
from typing import Any
from xml.parsers.expat import ExpatError, ParserCreate

from fhir_server.fhirpath.call import Call, Function
from fhir_server.fhirpath.compiled import BOOLEAN, Compiled, from_one
from fhir_server.fhirpath.scope import Scope

XHTML = "http://www.w3.org/1999/xhtml"

_ELEMENTS = frozenset(
    (
        "a", "abbr", "acronym", "address", "area", "b", "bdo", "big", "blockquote", "br", "caption", "cite",
        "code", "col", "colgroup", "dd", "dfn", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5", "h6",
        "hr", "i", "img", "kbd", "li", "map", "ol", "p", "pre", "q", "samp", "small", "span", "strong",
        "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "ul", "var",
    )
)  # fmt: skip
_ATTRIBUTES = frozenset(
    (
        "abbr", "accesskey", "align", "axis", "char", "charoff", "class", "colspan", "dir", "headers", "id",
        "lang", "rowspan", "scope", "span", "style", "tabindex", "title", "valign", "width", "xml:lang",
        "xml:space",
    )
)  # fmt: skip
_ATTRIBUTES_OF = {
    "a": frozenset(("charset", "coords", "href", "hreflang", "name", "rel", "rev", "shape", "type")),
    "area": frozenset(("alt", "coords", "href", "nohref", "shape")),
    "blockquote": frozenset(("cite",)),
    "div": frozenset(("xmlns",)),
    "img": frozenset(("alt", "border", "height", "ismap", "longdesc", "src", "usemap")),
    "map": frozenset(("name",)),
    "q": frozenset(("cite",)),
    "table": frozenset(("border", "cellpadding", "cellspacing", "frame", "rules", "summary")),
    "td": frozenset(("nowrap",)),
    "th": frozenset(("nowrap",)),
}
_URLS = frozenset(("href", "src", "cite", "longdesc", "usemap"))
# browsers drop these from a URL before they look at its scheme
_IGNORED_IN_URL = re.compile(r"[\x00-\x20\x7f-\x9f]+")
_ACTIVE = re.compile(r"(?:javascript|vbscript|livescript|data|blob|filesystem|file):", re.IGNORECASE)
_IMAGE = re.compile(r"data:image/(?:png|jpe?g|gif|bmp|webp|x-icon)[;,]", re.IGNORECASE)
# a picture that stands beside the narrative or within it is as harmless as that of an img
_PICTURE = r"(?:(?:[\w.\-]+/)*[\w.\-]+|data:image/(?:png|jpe?g|gif|bmp|webp)[;,][\w+/=;,]+)"
_ACTIVE_STYLE = re.compile(
    rf"url\s*\((?!(['\"]?){_PICTURE}\1\))"
    r"|expression\s*\(|script:|@import|behaviou?r\s*:|binding\s*:|\\|/\*",
    re.IGNORECASE,
)


_ROOT = f'<div xmlns="{XHTML}"'
# but for the plainest, which stand everywhere
_START_TAG = re.compile(r"<(?!(?:br?|p|t[dr]|div|li|i)/?>)[^/>][^>]*>")
_TAG_LENGTH = 400  # longer ones (an image in its URL) are not worth keeping
_CONTENT = re.compile(r">\s*[^<\s&]")


class _NarrativeError(Exception):
    pass


NO_CONTENT = "the narrative has no content besides white space"
"""What breaks txt-2; any other problem breaks txt-1."""


def narrative_problem(text: str) -> str | None:
    """What in the XHTML of a narrative breaks txt-1 or txt-2; None: nothing does."""
    return None if is_plain(text) else _problem(text)


def is_plain(text: str) -> bool:
    """Whether it is fine, by what costs half: well-formed, and every tag in it has been checked before.

    False: perhaps not. A `>` in an attribute cuts a tag short, which alone is never well-formed.
    """
    if not text.startswith(_ROOT) or not _CONTENT.search(text):
        return False
    # one character is sought at a multiple of the speed of two
    if ("!" in text and "<!" in text) or ("?" in text and "<?" in text):
        return False
    try:
        ParserCreate().Parse(text.encode(), True)
    except (ExpatError, UnicodeEncodeError):
        return False
    tags = set(_START_TAG.findall(text))
    return tags <= _ALLOWED_TAGS or all(map(_is_allowed, tags))


_ALLOWED_TAGS: set[str] = set()  # that have been checked; narratives are made by programs, with few tags
_TAGS_KEPT = 4096


def _is_allowed(tag: str) -> bool:
    name = tag[1:-1].split(maxsplit=1)[0].rstrip("/") if tag[1:-1].strip("/ ") else ""
    end = "" if tag.endswith("/>") else f"</{name}>"
    if len(tag) > _TAG_LENGTH or _problem(f"{_ROOT}>.{tag}{end}</div>") is not None:
        return False
    if len(_ALLOWED_TAGS) >= _TAGS_KEPT:
        _ALLOWED_TAGS.clear()
    _ALLOWED_TAGS.add(tag)
    return True


def _problem(text: str) -> str | None:
    check = _Check()
    try:
        check.parser.Parse(text.encode(), True)
    except _NarrativeError as problem:
        return str(problem)
    except UnicodeEncodeError:
        return "the narrative is not Unicode"
    except ExpatError as error:
        return f"the narrative is not well-formed XML: {error}"
    return None if check.has_content else NO_CONTENT


class _Check:
    def __init__(self) -> None:
        self.has_content = False
        self.is_root = True
        parser = self.parser = ParserCreate()
        parser.ordered_attributes = True
        parser.buffer_text = True
        parser.StartElementHandler = self.start
        parser.CharacterDataHandler = self.text
        # entities have to be declared, so without a DOCTYPE none can expand
        parser.StartDoctypeDeclHandler = self.refuse_declaration
        parser.ProcessingInstructionHandler = self.refuse_declaration
        parser.XmlDeclHandler = self.refuse_declaration

    def refuse_declaration(self, *ignored: Any) -> None:
        raise _NarrativeError("the narrative has a declaration or processing instruction")

    def text(self, text: str) -> None:
        if not self.has_content and not text.isspace():
            self.has_content = True

    def start(self, name: str, attributes: list[str]) -> None:
        if self.is_root:
            self.is_root = False
            if name != "div":
                raise _NarrativeError("the narrative is not a div element")
            if XHTML not in attributes or attributes[attributes.index(XHTML) - 1] != "xmlns":
                raise _NarrativeError(f"the div element of the narrative is not in the namespace {XHTML}")
        if name not in _ELEMENTS:
            raise _NarrativeError(f"the element {name!r} is not allowed in a narrative")
        if name == "img":
            self.has_content = True
        if attributes:
            _check_attributes(name, attributes)


def _check_attributes(element: str, attributes: list[str]) -> None:
    own = _ATTRIBUTES_OF.get(element, frozenset())
    for name, value in zip(attributes[::2], attributes[1::2], strict=True):
        if name not in _ATTRIBUTES and name not in own:
            raise _NarrativeError(f"the attribute {name!r} of {element!r} is not allowed in a narrative")
        if name == "xmlns" and value != XHTML:
            raise _NarrativeError("an element of the narrative is in another namespace")
        if name == "style" and _ACTIVE_STYLE.search(value):
            raise _NarrativeError("a style of the narrative is active or refers to something outside")
        if name in _URLS:
            _check_url(element, value)


def _check_url(element: str, value: str) -> None:
    url = _IGNORED_IN_URL.sub("", value)
    if _ACTIVE.match(url) and not (element == "img" and _IMAGE.match(url)):
        raise _NarrativeError(f"a link of {element!r} in the narrative is active")


def _html_checks(call: Call) -> Compiled:
    focus = call.focus_string()

    def one(this: Any, scope: Scope) -> bool | None:
        found = focus(this, scope)
        return None if found is None else narrative_problem(found) is None

    return from_one(one, BOOLEAN)


FUNCTIONS = {"htmlChecks": Function(_html_checks)}
