"""Doubts about a document: text that speaks to a machine instead of a reader.

Such text is kept as text like any other and nothing acts on it; it is not quoted to customers, and the flag
is for the people who review.
"""

import re
from functools import lru_cache

_MACHINE = r"(?:ai|llm|language model|chatbot|assistant|ai agent|gpt|claude)s?"
_ORDERS = (
    # set aside what holds
    (
        r"\b(?:ignore|disregard|forget|override|bypass)\b[^.\n]{0,40}"
        r"\b(?:previous|prior|above|earlier|all|your|system|these)\b[^.\n]{0,30}"
        r"\b(?:instructions?|prompts?|rules?|messages?|guidelines?|policy|policies)\b"
    ),
    # be somebody else
    r"\byou are (?:now|no longer)\b[^.\n]{0,60}\b(?:assistant|ai|bot|model|agent|mode)\b",
    # marks of prompts
    r"\b(?:system|developer|hidden|initial) (?:prompt|message|instructions?)\b",
    r"<\|(?:im_start|im_end|system|assistant|user|tool)\b|\[/?INST\]|<</?SYS>>",
    r"</?(?:system|assistant|passages?|instructions?|tool_result)>",
    r"\"paragraphs\"\s*:",
    # spoken to, or about, a machine that answers
    rf"\b{_MACHINE}\b[^.\n]{{0,40}}\b(?:must|should|shall|has to|have to|may not|needs? to)\b",
    (
        rf"\b(?:notes?|orders?|instructions?|messages?|reminder|attention|dear|for|to) (?:to |for )?"
        rf"(?:the |any |all |every )?{_MACHINE}\b"
    ),
    rf"(?:^|[^\w])(?:the )?{_MACHINE}(?: agents?| assistants?)?\s*[:,]",
    rf"\b(?:the|any|every|this) {_MACHINE}\b|^\W*\|?\s*{_MACHINE}\s*\||\|\s*{_MACHINE}\s*\|",
    # asked for what is secret
    r"\bapi[ _-]?key\b[^.\n]{0,30}\b(?:print|show|reveal|insert|output|repeat)\b",
    (
        r"\b(?:print|reveal|output|repeat|insert|show)\b[^.\n]{0,40}\b(?:real|full|entire|your|own) "
        r"[^.\n]{0,20}\b(?:key|prompt|secrets?|instructions?)\b"
    ),
)
ORDERS = re.compile("|".join(_ORDERS), re.IGNORECASE)
UNSEEN = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\U000e0000-\U000e007f]")
MANY_UNSEEN = 10
"""Invisible characters from which a text may hide something; a few are typography."""
LOADED = re.compile(r"!\[[^\]]*\]\(|<(?:img|iframe|script|object|embed|link|svg)\b|<!--", re.IGNORECASE)
"""What a page would load or hide: pictures, frames, scripts, comments."""
LEADS_OUT = re.compile(
    r"https?://(?![\w.-]+\.(?:salesforce|force)\.com/)[^\s)>\]]*[?&][^\s)>\]]*=", re.IGNORECASE
)
"""Addresses that can carry data along, but for Salesforce's own."""
FENCED = ("```", "~~~")


def flags(text: str) -> tuple[str, ...]:
    """What a reviewer should look at; empty for nearly all documents."""
    found = []
    if ORDERS.search(text):
        found.append("text that gives orders to an assistant")
    if len(UNSEEN.findall(text)) >= MANY_UNSEEN:
        found.append("characters that cannot be seen")
    return tuple(found)


@lru_cache(maxsize=20_000)
def quotable(statement: str) -> bool:
    """Whether a statement may be said to a customer: it orders, loads, hides and leads out nothing.

    Code is shown as text, so tags in it load nothing.
    """
    code = statement.lstrip().startswith(FENCED)
    patterns = (ORDERS, LEADS_OUT) if code else (ORDERS, LOADED, LEADS_OUT)
    return (
        not any(pattern.search(statement) for pattern in patterns)
        and len(UNSEEN.findall(statement)) < MANY_UNSEEN
    )
