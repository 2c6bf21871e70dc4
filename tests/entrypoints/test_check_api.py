"""Checking code over HTTP."""

import httpx
import pytest

pytestmark = pytest.mark.anyio

CHECK = "/api/v1/check"


async def test_a_query_is_judged(client: httpx.AsyncClient) -> None:
    wrong = await client.post(f"{CHECK}/soql", json={"query": "SELECT Nam FROM Account LIMIT 1"})
    right = await client.post(f"{CHECK}/soql", json={"query": "SELECT Name FROM Account LIMIT 1"})
    bound = {"query": "SELECT Name FROM Account WHERE Id = :id"}

    assert wrong.json()["ok"] is False
    assert wrong.json()["findings"][0]["rule"] == "UnknownField"
    assert wrong.json()["corrected"] == "SELECT Name FROM Account LIMIT 1"
    assert right.json() == {"ok": True, "findings": []}
    assert (await client.post(f"{CHECK}/soql", json=bound)).json()["ok"] is False
    assert (await client.post(f"{CHECK}/soql", json=bound | {"within": "apex"})).json()["ok"] is True


async def test_a_class_is_judged_by_its_api_version(client: httpx.AsyncClient) -> None:
    code = {"code": "public class A { void f() { insert x; } }"}

    old = await client.post(f"{CHECK}/apex", json=code | {"api_version": 60})
    new = await client.post(f"{CHECK}/apex", json=code)

    assert {"ApexCRUDViolation", "ApexSharingViolations"} == {one["rule"] for one in old.json()["findings"]}
    assert new.json() == {"ok": True, "findings": []}


async def test_an_error_is_explained(client: httpx.AsyncClient) -> None:
    text = '[{"message":"Required fields are missing: [LastName]","errorCode":"REQUIRED_FIELD_MISSING"}]'

    [found] = (await client.post(f"{CHECK}/error", json={"text": text})).json()["errors"]

    assert found["code"] == "REQUIRED_FIELD_MISSING"
    assert found["cause"]
    assert found["fix"]


@pytest.mark.parametrize("body", [{}, {"code": 5}, {"code": "x", "api_version": 0}, {"code": "x", "more": 1}])
async def test_a_bad_request_is_400(client: httpx.AsyncClient, body: dict[str, object]) -> None:
    assert (await client.post(f"{CHECK}/apex", json=body)).status_code == 400


async def test_who_has_no_key_checks_nothing(client: httpx.AsyncClient) -> None:
    answer = await client.post(f"{CHECK}/soql", json={"query": "x"}, headers={"X-API-Key": ""})

    assert answer.status_code == 401
