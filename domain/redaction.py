"""Taking personal data out of a text before it is kept where it does not belong."""

import re

from domain.nlu.names import names

NAMED = r"(?:password|passwort|passwd|pwd|token|secret|api[_ -]?key|authorization)"
VALUE = r"(?:\"[^\"\n]{1,500}\"|'[^'\n]{1,500}'|\S+)"
GROUP = r"[0-9a-fA-F]{1,4}"
SHORTENED = rf"(?=[0-9a-fA-F:]{{0,39}}::){GROUP}(?::[0-9a-fA-F]{{0,4}}){{2,7}}"
"""An address of IPv6 with its zeros left out (RFC 4291, 2.2)."""
PATTERNS = (
    ("secret", re.compile(r"\beyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*|\b00D\w{12,15}!\S+")),
    ("secret", re.compile(rf"(?i)\b{NAMED}[\"']?\s*(?:(?:is|=>|=|:)\s*)+(?:(?:bearer|basic)\s+)?{VALUE}")),
    ("secret", re.compile(r"(?i)\b(?:bearer|basic)\s+(?=\S*\d)[\w.~+/=-]{8,}")),
    ("email", re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")),
    ("link", re.compile(r"\bhttps?://[^\s<>\"')]+\?[^\s<>\"')]+")),
    ("iban", re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,4})?\b")),
    ("card", re.compile(r"\b(?:\d[ -]?){13,19}\b")),
    ("ssn", re.compile(r"\b\d{3}-\d{2}-\d{4}\b")),
    ("phone", re.compile(r"(?<![\w.])(?:\+|00)?\(?\d{1,4}\)?(?:[ ./-]?\(?\d{2,5}\)?){2,5}(?![\w.])")),
    ("id", re.compile(r"\b(?=\w*\d)(?=\w*[A-Za-z])[a-zA-Z0-9]{3}(?:[a-zA-Z0-9]{12}|[a-zA-Z0-9]{15})\b")),
    ("address", re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b")),
    ("address", re.compile(rf"(?<![\w:])(?:(?:{GROUP}:){{7}}{GROUP}|{SHORTENED})(?![\w:])")),
)
"""In this order: what one takes, another does not see. Ids are Salesforce's, of 15 and 18 characters, as is
the session id that begins with its org's; tokens of three parts are JSON Web Tokens (RFC 7519).
"""


def redacted(text: str) -> str:
    """The text with addresses, numbers, ids, secrets and names of people and companies by their kinds."""
    for kind, pattern in PATTERNS:
        text = pattern.sub(f"[{kind}]", text)
    spans = sorted(names(text), key=lambda found: found[1], reverse=True)
    for kind, start, end in spans:
        text = f"{text[:start]}[{kind.lower()}]{text[end:]}"
    return text
