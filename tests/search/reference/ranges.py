"""https://hl7.org/fhir/R4/search.html#prefix, of ranges whose ends both belong to them."""

from typing import Any

from tests.search.reference import Refused

PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")


def split(text: str) -> tuple[str, str]:
    """ "If no prefix is present, the prefix eq is assumed." """
    return (text[:2], text[2:]) if text[:2] in PREFIXES else ("eq", text)


def compare(prefix: str, low: Any, high: Any, first: Any, last: Any) -> bool:
    """low, high: the range of the resource's value; first, last: that of the search."""
    match prefix:
        case "eq":  # "the range of the search value fully contains the range of the target value"
            return bool(first <= low and high <= last)
        case "ne":  # "… does not fully contain …"
            return not (first <= low and high <= last)
        case "gt":  # "the range above the search value intersects … with the range of the target value"
            return bool(high > last)
        case "lt":
            return bool(low < first)
        case "ge":  # the range above with the value itself
            return bool(high >= first)
        case "le":
            return bool(low <= last)
        case "sa":  # "does not overlap …, and the range above the search value contains …"
            return bool(low > last)
        case "eb":
            return bool(high < first)
        case "ap":  # "the range of the search value overlaps with the range of the target value"
            return bool(low <= last and high >= first)
    raise Refused(f"{prefix} is no prefix")
