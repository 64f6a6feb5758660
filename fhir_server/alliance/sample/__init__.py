"""The demonstration alliance: invented people and hospitals in real counties, always the same to the byte.

One module a subject, each with a random source of its own, so that one grows without moving the others.
"""
