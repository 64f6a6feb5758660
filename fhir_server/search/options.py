"""The bounds of searches, and what searches take for granted."""

from dataclasses import dataclass
from datetime import tzinfo
from zoneinfo import ZoneInfo

DEFAULT_ZONE = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Options:
    zone: tzinfo = DEFAULT_ZONE  # of dates without an offset
    page_size: int = 20
    page_size_limit: int = 1000
    chain_depth: int = 3  # steps from resource to resource, by chains and `_has` together
    or_values: int = 1000  # of one parameter
    parameters: int = 200
    included: int = 1000  # resources that `_include` and `_revinclude` may add to a page
    iterations: int = 5  # of `:iterate`
    page_starts: int = 16  # pages that `previous` links lead back from one page


DEFAULTS = Options()
