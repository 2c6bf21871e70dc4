"""The customer's conversation endpoints, end to end in this process."""

from uuid import uuid4

import httpx


async def test_the_customers_integration_scenario_holds(client: httpx.AsyncClient) -> None:
    created = await client.post("/api/v1/conversations", json={"user_id": str(uuid4()), "channel": "web"})
    path = f"/api/v1/conversations/{created.json()['id']}"

    answered = await client.post(f"{path}/messages", json={"content": "How do I reset my password?"})
    conversation = await client.get(path)

    assert created.status_code == 201
    assert answered.status_code == 200
    assert "password" in answered.json()["response"].lower()
    assert answered.json()["confidence"] > 0.8
    assert conversation.json()["status"] == "active"
    assert conversation.json()["message_count"] == 2
