"""What the report of network B has to print for [2018-01-01, 2019-07-01), whatever the seed.

The counts of an alliance of that kind and size over a year and a half, as its own report gave them: 人次, 例,
次 and 期 count events, 名 distinct persons.
"""

from typing import Final

UP_ARRIVALS: Final = 825
DOWN_ARRIVALS: Final = 463
EXPERTS: Final = 41
SESSIONS: Final = 305
SERVED: Final = 12_050
COURSES: Final = 31
ATTENDANCES: Final = 1_210
OUTBOUND_TRAINEES: Final = 125
POSTED: Final = 96
CASE_DISCUSSIONS: Final = 62
CONSULTS: Final = 27
TEACHING_ROUNDS: Final = 91
NEW_TECHNIQUES: Final = 32
CHEST_PAIN_CASES: Final = 60
STROKE_CASES: Final = 40
TELECONSULTS: Final = 120
CASES_DISCUSSED: Final = 48
CASES_SOLVED: Final = 40
SURGEONS_3: Final = 4
SURGEONS_4: Final = 2
LONG_TERM_POSTED: Final = 12
BATCHES: Final = 5
GROUP_MEMBERS: Final = 386
