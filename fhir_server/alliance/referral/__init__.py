"""Referrals: a ServiceRequest that says what is asked, a Task that two organisations move through its states.

https://hl7.org/fhir/R4/request.html, https://hl7.org/fhir/R4/task.html

One table (`table.py`) says which changes there are; the rules at the gate of writes, the operations and the
page of documentation are made from it.
"""
