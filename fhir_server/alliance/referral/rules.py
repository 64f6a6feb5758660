"""The rules of referrals as the gate of writes takes them."""

from fhir_server.alliance.referral.deadlines import deadlines
from fhir_server.alliance.referral.request import RequestRules
from fhir_server.alliance.referral.task import TaskRules
from fhir_server.config import Settings
from fhir_server.interactions.rules import Rules


def referral_rules(settings: Settings) -> Rules:
    """A Task is written after its ServiceRequest, which it looks up."""
    found = deadlines(settings)
    return {"ServiceRequest": (RequestRules(found),), "Task": (TaskRules(found),)}
