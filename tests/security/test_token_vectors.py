"""Wycheproof's vectors for JSON Web Signatures, on the keys and the checks that `Tokens` uses."""

import json
from typing import Any

import msgspec
import pytest
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OctKey, RSAKey

from entrypoints.api.auth import BASE64URL, DOTS, MAX_TOKEN, Tokens
from entrypoints.settings import Settings
from tests.security.calls import PUBLIC_DATA, Json, some_claims

VECTORS = PUBLIC_DATA / "wycheproof" / "json_web_signature_test.json"
OURS = ("HS256", "RS256")
RS256_HEADER = "eyJhbGciOiJSUzI1Ni"
"""How a token begins whose header begins with the algorithm RS256."""

pytestmark = pytest.mark.skipif(not VECTORS.exists(), reason=f"the vectors are not there: {VECTORS}")


def groups() -> list[Json]:
    """All groups with `key`: the JWK that verifies."""
    found = json.loads(VECTORS.read_text(encoding="utf-8"))["testGroups"]
    return [{**group, "key": group.get("public") or group["private"]} for group in found]


def tokens_with(key: Json) -> tuple[Tokens, str]:
    """`Tokens` that trust one key of a group, and the algorithm that `Tokens` uses a key of that type for.

    RSA keys enter as PEM, as they do in production. The secrets of the vectors are no text, as a setting is,
    so they enter as what the setting becomes.
    """
    bare = Settings("postgresql://nowhere", "redis://nowhere")
    if key["kty"] == "RSA":
        plain = {name: key[name] for name in ("kty", "n", "e")}
        pem = RSAKey.import_key(plain).as_pem(private=False).decode()
        return Tokens(msgspec.structs.replace(bare, jwt_public_key=pem)), "RS256"
    tokens = Tokens(bare)
    tokens._keys["HS256"] = OctKey.import_key({"kty": "oct", "k": key["k"]})
    return tokens, "HS256"


def accepts(tokens: Tokens, algorithm: str, token: Any) -> bool:
    """Whether a token passes what `Tokens.verify` asks before it reads claims (the vectors hold none)."""
    if not isinstance(token, str) or len(token) > MAX_TOKEN or token.count(".") != DOTS:
        return False
    if not BASE64URL.issuperset(token):
        return False
    try:
        found = jws.deserialize_compact(token.encode(), tokens._keys[algorithm], algorithms=[algorithm])
    except (JoseError, ValueError, TypeError):
        return False
    return found.headers()["alg"] == algorithm and "crit" not in found.headers()


def judged() -> list[tuple[Json, bool]]:
    """The vectors of keys for our algorithms, each with whether it was accepted."""
    found = [(tokens_with(g["key"]), g["tests"]) for g in groups() if g["key"].get("alg") in OURS]
    return [
        (vector, accepts(tokens, algorithm, vector["jws"]))
        for (tokens, algorithm), vectors in found
        for vector in vectors
    ]


def test_no_invalid_signature_is_accepted() -> None:
    # Vectors 367 and 370 lost the padding that they are about: byte for byte they are the valid vector 357.
    valid = {vector["jws"] for vector, _ in judged() if vector["result"] == "valid"}
    invalid = [
        (vector, accepted)
        for vector, accepted in judged()
        if vector["result"] == "invalid" and vector["jws"] not in valid
    ]

    false_accepts = [(vector["tcId"], vector["comment"]) for vector, accepted in invalid if accepted]

    print(f"{len(invalid)} invalid signatures of HS256 and RS256 keys, {len(false_accepts)} accepted")
    assert len(invalid) == 253
    assert false_accepts == []


def test_every_valid_signature_in_the_right_alphabet_is_accepted() -> None:
    # Vectors 372 and 373 are called valid with a question mark inside; RFC 7515 (2) allows base64url only.
    valid = [
        (vector, accepted)
        for vector, accepted in judged()
        if vector["result"] == "valid" and BASE64URL.issuperset(vector["jws"])
    ]

    false_refusals = [(vector["tcId"], vector["comment"]) for vector, accepted in valid if not accepted]

    assert len(valid) >= 14
    assert false_refusals == []


def test_signatures_by_other_algorithms_of_the_same_key_are_refused() -> None:
    others = [
        (tokens_with(group["key"]), vector["jws"])
        for group in groups()
        if group["key"]["kty"] == "RSA"
        for vector in group["tests"]
        if not str(vector["jws"]).startswith(RS256_HEADER)
    ]

    accepted = [token for (tokens, algorithm), token in others if accepts(tokens, algorithm, token)]

    assert len(others) > 70
    assert accepted == []


def test_no_vector_is_a_principal_or_makes_verifying_fail() -> None:
    principals, seen = [], 0

    for group in groups():
        if group["key"]["kty"] not in {"RSA", "oct"}:
            continue
        tokens, _ = tokens_with(group["key"])
        for vector in group["tests"]:
            if isinstance(vector["jws"], str):
                seen += 1
                principals.append(tokens.verify(vector["jws"]))

    assert seen > 300
    assert set(principals) == {None}


def test_the_same_keys_do_accept_a_token_of_ours() -> None:
    group = next(group for group in groups() if group["comment"] == "hs256")
    tokens, _ = tokens_with(group["key"])

    token = jws.serialize_compact(
        {"alg": "HS256"}, json.dumps(some_claims()), tokens._keys["HS256"], algorithms=["HS256"]
    )

    assert tokens.verify(token) is not None
