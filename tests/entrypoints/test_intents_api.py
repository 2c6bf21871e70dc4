"""A tenant's own intents: stored, trained with, understood; nothing worse goes live."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from domain.errors import DataFileError
from domain.nlu.own import OwnIntent, checked_intent, merged
from entrypoints.bootstrap import App
from entrypoints.cli.own_intents import read_intents
from entrypoints.models import going_on
from tests.builders import ORGANIZATION

pytestmark = pytest.mark.anyio

INTENTS = "/api/v1/intents"
UTTERANCES = [
    "when does the zeppelin depart",
    "zeppelin timetable please",
    "book me a seat on the next zeppelin",
    "is the zeppelin flight to Lakehurst on time",
    "my zeppelin ticket is lost",
    "zeppelin boarding pass does not print",
    "how much luggage may i take on the zeppelin",
    "cancel my zeppelin reservation",
    "upgrade to the zeppelin's window cabin",
    "where do I check in for the airship",
    "airship delayed again???",
    "refund for the cancelled airship trip",
]
TESTS = ["what time is the zeppelin leaving today", "lost my airship ticket", "zeppelin seat upgrade"]


async def trained(client: httpx.AsyncClient, app: App) -> Any:  # JSON
    """Ask for a training over HTTP and do the worker's part."""
    asked = await client.post(f"{INTENTS}/trainings", json={})
    assert asked.status_code == 202, asked.text
    identity = asked.json()["id"]
    await app.train.run(ORGANIZATION, UUID(identity), going_on)
    return (await client.get(f"{INTENTS}/trainings/{identity}")).json()


async def understood(client: httpx.AsyncClient, message: str) -> str:
    begun = await client.post("/api/v1/conversations", json={"user_id": str(uuid4()), "channel": "api"})
    path = f"/api/v1/conversations/{begun.json()['id']}/messages"
    answer = await client.post(path, json={"content": message})
    return str(answer.json()["intent"])


async def test_own_intents_are_understood_after_a_training_and_can_be_left(
    client: httpx.AsyncClient, app: App
) -> None:
    body = {"utterances": UTTERANCES, "tests": TESTS, "description": "Zeppelin trips"}
    before = await understood(client, "when is the zeppelin departing?")
    stored = await client.put(f"{INTENTS}/zeppelin_trip", json=body)
    more = await client.put(
        f"{INTENTS}/password_reset", json={"utterances": ["my sesame does not open any more"]}
    )
    training = await trained(client, app)
    after = await understood(client, "when is the zeppelin departing now?")

    assert (stored.status_code, more.status_code) == (200, 200), stored.text + more.text
    assert training["state"] == "live", training
    assert training["report"]["own"]["after"]["accuracy"] == 100.0
    assert training["report"]["own"]["before"]["accuracy"] == 0.0
    assert training["report"]["intents"] == len(app.train.taxonomy.intents) + 1
    assert (before, after) != ("zeppelin_trip", before)
    assert after == "zeppelin_trip"
    listed = (await client.get(INTENTS)).json()
    assert {one["name"] for one in listed["own"]} == {"zeppelin_trip", "password_reset"}

    worse = {"utterances": [f"completely other words {n}" for n in range(12)], "tests": TESTS}
    assert (await client.put(f"{INTENTS}/zeppelin_trip", json=worse)).status_code == 200
    refused = await trained(client, app)
    assert refused["state"] == "refused"
    assert "On your own tests" in refused["report"]["reason"]
    assert await understood(client, "when will the zeppelin depart?") == "zeppelin_trip"

    assert (await client.delete(f"{INTENTS}/model")).status_code == 204
    assert await understood(client, "when would the zeppelin depart?") != "zeppelin_trip"
    assert (await client.delete(f"{INTENTS}/zeppelin_trip")).status_code == 204
    assert (await client.delete(f"{INTENTS}/zeppelin_trip")).status_code == 404


async def test_a_training_that_somebody_else_does_is_left_to_them(
    client: httpx.AsyncClient, app: App
) -> None:
    asked = (await client.post(f"{INTENTS}/trainings", json={})).json()

    async def lost(_: int) -> bool:
        return False

    await app.train.run(ORGANIZATION, UUID(asked["id"]), lost)
    running = await app.train.get(ORGANIZATION, UUID(asked["id"]))
    await app.train.give_up(ORGANIZATION, UUID(asked["id"]), "It took too long.")
    given_up = await app.train.get(ORGANIZATION, UUID(asked["id"]))
    await app.train.run(ORGANIZATION, UUID(asked["id"]), going_on)

    assert (running.state, given_up.state, given_up.error) == ("running", "failed", "It took too long.")


@pytest.mark.parametrize(
    ("intent", "code"),
    [
        (OwnIntent("Zeppelin", tuple(UTTERANCES)), "bad_name"),
        (OwnIntent("zeppelin_trip", tuple(UTTERANCES[:5])), "few_utterances"),
        (OwnIntent("zeppelin_trip", (*UTTERANCES, " ")), "bad_utterance"),
        (OwnIntent("zeppelin_trip", tuple(UTTERANCES), (UTTERANCES[0].upper(),)), "utterance_twice"),
        (OwnIntent("airship", (*UTTERANCES[:9], "Zeppelin  timetable please now")), "utterance_taken"),
        (OwnIntent("zeppelin_trip", tuple(UTTERANCES), response_type="song"), "bad_response_type"),
        (OwnIntent("zeppelin_trip", tuple(f"words {n}" for n in range(1_001))), "many_utterances"),
    ],
)
def test_a_bad_intent_is_refused_with_the_mend(intent: OwnIntent, code: str) -> None:
    other = OwnIntent("other", ("zeppelin timetable please NOW",))

    with pytest.raises(DataFileError) as refused:
        checked_intent(intent, {}, [other])

    assert refused.value.code == code


def test_a_taxonomy_takes_own_intents_in(app: App) -> None:
    taxonomy = app.train.taxonomy.intents
    own = [OwnIntent(taxonomy[0].name, ("a new way to say it",)), OwnIntent("zeppelin", tuple(UTTERANCES))]

    found = merged(taxonomy, own)

    assert found[0].utterances == ("a new way to say it", *taxonomy[0].utterances)
    assert found[1:-1] == list(taxonomy[1:])
    assert (found[-1].name, found[-1].utterances) == ("zeppelin", tuple(UTTERANCES))


def test_intents_come_from_files(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(f'[[intent]]\nname = "zeppelin_trip"\nutterances = {json.dumps(UTTERANCES)}\n')

    assert read_intents(path) == [OwnIntent("zeppelin_trip", tuple(UTTERANCES))]


@pytest.mark.parametrize("content", ["[[intent", '[[intent]]\nname = "x"', "[[intent]]\nname = 1"])
def test_a_file_that_is_not_right_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "own.toml"
    path.write_text(content)

    with pytest.raises(DataFileError, match=r"own\.toml"):
        read_intents(path)
    with pytest.raises(DataFileError, match=r"none\.toml"):
        read_intents(tmp_path / "none.toml")


async def test_the_orgs_own_objects_and_fields_are_known_from_its_describe(
    client: httpx.AsyncClient,
) -> None:
    described = {
        "name": "Berth__c",
        "label": "Ship Berth",
        "labelPlural": "Ship Berths",
        "queryable": True,
        "fields": [
            {"name": "Mooring_Fee__c", "label": "Mooring Fee", "custom": True, "type": "currency"},
            {"name": "Id", "label": "Record ID", "custom": False},
        ],
    }
    body = {"objects": [described], "names": {"PRODUCT": ["Lumen Lamp"]}}
    begun = await client.post("/api/v1/conversations", json={"user_id": str(uuid4()), "channel": "api"})
    path = f"/api/v1/conversations/{begun.json()['id']}/messages"

    put = await client.put("/api/v1/vocabulary", json=body)
    said = "The mooring fee of our ship berths is wrong since we bought the Lumen lamp"
    answer = await client.post(path, json={"content": said})
    kept = await client.get("/api/v1/vocabulary")

    assert (put.status_code, put.json()) == (200, {"forms": 6})
    found = {(one["type"], one["value"]) for one in answer.json()["entities"]}
    assert found >= {
        ("FIELD_NAME", "Berth__c.Mooring_Fee__c"),
        ("SALESFORCE_OBJECT", "Berth__c"),
        ("PRODUCT", "Lumen Lamp"),
    }
    assert kept.json()["objects"][0]["label"] == "Ship Berth"
