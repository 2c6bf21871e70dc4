"""What a question means to search for."""

import pytest

from adapters.starter.loader import abbreviations
from domain.retrieval.asked import Abbreviations, Spelling


@pytest.mark.parametrize(
    ("text", "written_out"),
    [
        ("my VR blocks the opp", "my VR blocks the opp (validation rule, opportunity)"),
        ("MFA for MFA users", "MFA for MFA users (multi-factor authentication)"),
        ("SSO is single sign-on", "SSO is single sign-on"),
        ("no short forms here", "no short forms here"),
        ("the vr headset", "the vr headset"),
        ("VR-42 and my.VR", "VR-42 and my.VR"),
        ("PWD reset", "PWD reset (password)"),
    ],
)
def test_short_forms_are_written_out_after_the_text(text: str, written_out: str) -> None:
    assert abbreviations().written_out(text) == written_out


def test_nothing_is_written_out_where_nothing_is_known() -> None:
    assert Abbreviations({}).written_out("VR") == "VR"


@pytest.mark.parametrize(
    ("term", "meant"),
    [
        ("oportun", "opportun"),
        ("accuont", "account"),
        ("authentcaton", "authentication"),
        ("acc", None),
        ("xaccount", None),
        ("acctxxt", None),
        ("2fa42", None),
    ],
)
def test_a_misspelt_word_is_taken_for_the_nearest(term: str, meant: str | None) -> None:
    spelling = Spelling(["opportun", "account", "authentication", "case", "=my_field", "lead"])

    assert spelling.meant(term) == meant
