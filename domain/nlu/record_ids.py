"""Ids of Salesforce records: 15 characters in which case counts, or 18 that carry it in the last three.

The last three characters each say which of five characters are capitals, as a number of five bits, the first
character the lowest (Salesforce, Object Reference: ID field type).
"""

import re
from collections.abc import Iterator

RECORD_ID = re.compile(r"\b[a-zA-Z0-9]{15}(?:[A-Z0-5]{3})?\b", re.ASCII)
SHORT, GROUP = 15, 5
DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
PREFIXES = frozenset(
    """001 002 003 005 006 00D 00E 00G 00I 00N 00O 00Q 00T 00U 00a 00e 00k 00l 00v 012 015 01I 01Z 01p 01q
    01s 01t 028 02i 033 03j 044 058 066 068 069 06A 06i 072 07L 07M 080 08e 08p 099 0Af 0DM 0F9 0PS 0Q0
    0WO 0kt 300 301 500 501 550 570 571 701 707 709 750 751 800 801 802 806 810 811 819 850 a00 a01 a02
    a03 a04 a05 a0A a0B ka0""".split()  # noqa: SIM905  # a list of 90 lines reads worse
)
"""Key prefixes of standard objects and the first custom ones; of 15 characters these alone are ids."""


def long_id(short: str) -> str:
    """The 18 characters of a 15-character id."""
    groups = (short[start : start + GROUP] for start in range(0, SHORT, GROUP))
    bits = (sum(c.isupper() << bit for bit, c in enumerate(group)) for group in groups)
    return short + "".join(DIGITS[five] for five in bits)


def record_ids(text: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and 18-character form of each id in a text; what only looks like one is left out."""
    for match in RECORD_ID.finditer(text):
        found = match.group()
        short = found[:SHORT]
        if not any(c.isdigit() for c in short) or not any(c.isalpha() for c in short):
            continue
        known = short[:3] in PREFIXES or (short[0] == "a" and len(found) > SHORT)
        if known and found in {short, long_id(short)}:
            yield *match.span(), long_id(short)
