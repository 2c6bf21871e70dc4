import time, httpx, msgspec, json, gzip, logging, base64
from uuid import uuid4
from dataclasses import replace
from entrypoints.bootstrap import open_app
from entrypoints.api.app import build
from tests.conftest import a_settings

logging.disable(logging.INFO)


async def test_x(client, app, settings, api_key):
    for i in range(2):
        t = time.perf_counter()
        async with open_app(settings) as a2:
            print("open", time.perf_counter() - t)
        print("open+close", time.perf_counter() - t)
    t = time.perf_counter()
    b = build(app, settings)
    print("build", time.perf_counter() - t)
    for i in range(3):
        t = time.perf_counter()
        r = await client.post("/api/v1/conversations", json={"user_id": str(uuid4()), "channel": "web"})
        print("start", time.perf_counter() - t)
    p = "/api/v1/conversations/" + r.json()["id"]
    for i in range(3):
        t = time.perf_counter()
        r = await client.post(p + "/messages", json={"content": "How do I reset my password?"})
        print("msg", time.perf_counter() - t, r.headers)
    print(r.text[:3000])
    for depth in range(900, 950):
        r = await client.post(
            "/api/v1/conversations",
            content='{"user_id":"%s","channel":"web","metadata":{"a":%s}}'
            % (uuid4(), "[" * depth + "]" * depth),
            headers={"content-type": "application/json"},
        )
        if r.status_code == 201:
            g = await client.get("/api/v1/conversations/" + r.json()["id"])
            g2 = await client.post(
                "/api/v1/conversations/" + r.json()["id"] + "/messages", json={"content": "hello"}
            )
            l = await client.get("/api/v1/conversations")
            if {g.status_code, g2.status_code, l.status_code} != {200}:
                print(depth, g.status_code, g2.status_code, l.status_code)
                break
        else:
            print(depth, r.status_code, r.text[:100])
            break
    seg = base64.urlsafe_b64encode(b"[" * 5900).rstrip(b"=").decode()
    r = await client.get("/api/v1/conversations", headers={"Authorization": f"Bearer {seg}.e30.AA"})
    print(len(seg), r.status_code, r.text, r.headers)
    for u in ["/docs", "/", "/openapi.json"]:
        r = await client.get(u)
        print(u, r.headers, r.text[:1500])
        import re

        print(re.findall(r"""(?:src|href)=["']?[^"'> ]+""", r.text)[:20])
