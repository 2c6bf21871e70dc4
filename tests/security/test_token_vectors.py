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


def test_no_invalid_signature_is_accepted_and_every_valid_one_is() -> None:
    false_accepts, false_refusals, judged = [], [], {"valid": 0, "invalid": 0}

    for group in groups():
        if group["key"].get("alg") not in OURS:  # keys for other algorithms, or for encryption: see below
            continue
        tokens, algorithm = tokens_with(group["key"])
        for vector in group["tests"]:
            judged[vector["result"]] += 1
            accepted = accepts(tokens, algorithm, vector["jws"])
            if accepted and vector["result"] == "invalid":
                false_accepts.append((vector["tcId"], vector["comment"]))
            if not accepted and vector["result"] == "valid":
                false_refusals.append((vector["tcId"], vector["comment"]))

    assert false_accepts == []
    assert false_refusals == []
    assert judged["invalid"] > 250
    assert judged["valid"] >= 14


def test_signatures_by_other_algorithms_of_the_same_key_are_refused() -> None:
    others = [
        (tokens_with(group["key"]), vector["jws"])
        for group in groups()
        if group["key"]["kty"] == "RSA" and group["key"].get("alg", "RS256") != "RS256"
        for vector in group["tests"]
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
