"""Canonical addresses of the alliance: code systems, naming systems, extensions; and the ones of others."""

BASE = "https://alliance-fhir.example/fhir"

RESIDENT_NUMBER = "urn:oid:2.16.156.10011.1.3"
ORGANIZATION_CODE = "urn:oid:2.16.156.10011.1.5"
CREDIT_CODE = f"{BASE}/NamingSystem/uscc"
PRACTITIONER_LICENCE = f"{BASE}/NamingSystem/practitioner-licence"
DIVISION = f"{BASE}/NamingSystem/gbt2260"

WS218 = "urn:oid:2.16.156.10011.2.3.4.1"
GB3304 = "urn:oid:2.16.156.10011.2.3.3.3"
GB8561 = "urn:oid:2.16.156.10011.2.3.3.10"
ICD10 = f"{BASE}/CodeSystem/icd10-clinical"
"""The national clinical edition, a code system of its own: not `http://hl7.org/fhir/sid/icd-10`."""

MCSD_TYPES = "https://profiles.ihe.net/ITI/mCSD/CodeSystem/IHE.mCSD.Organization.Location.Types"
V2_IDENTIFIER_TYPE = "http://terminology.hl7.org/CodeSystem/v2-0203"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
ACT_REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
LOCATION_PHYSICAL_TYPE = "http://terminology.hl7.org/CodeSystem/location-physical-type"
TASK_CODE = "http://hl7.org/fhir/CodeSystem/task-code"
NAME_REPRESENTATION = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation"


def code_system(name: str) -> str:
    """A code system of the alliance, `governance-tier`."""
    return f"{BASE}/CodeSystem/{name}"


def extension_url(name: str) -> str:
    """An extension of the alliance, `home-organization`."""
    return f"{BASE}/StructureDefinition/{name}"


def local_system(organization_code: str, kind: str) -> str:
    """Numbers that are unique in one organisation only: `mrn`, `referral`, `task`."""
    return f"{BASE}/id/{organization_code}/{kind}"
