"""The rules of the alliance that look at the state, as the gate of writes takes them."""

from fhir_server.alliance.booking import BOOKING_RULES
from fhir_server.alliance.communication import MESSAGE_RULES
from fhir_server.alliance.membership import DIRECTORY_RULES
from fhir_server.alliance.referral.rules import referral_rules
from fhir_server.alliance.rotation import ROTATION_RULES
from fhir_server.config import Settings
from fhir_server.interactions.rules import Rules


def alliance_rules(settings: Settings) -> Rules:
    """In the order in which the entries of a transaction are written: what is looked up stands first."""
    return joined(DIRECTORY_RULES, ROTATION_RULES, BOOKING_RULES, referral_rules(settings), MESSAGE_RULES)


def joined(*several: Rules) -> Rules:
    """One table of several; those of a type are asked in the order of the tables."""
    found: Rules = {}
    for rules in several:
        found = {**found, **{name: found.get(name, ()) + judges for name, judges in rules.items()}}
    return found
