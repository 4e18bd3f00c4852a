from pathlib import Path

import pytest

from logyard.client import AsyncClient, Client, Missed
from logyard.errors import BadInput, BadQuery, NotFound, NotNow
from logyard.testing.ports import free_port
from logyard.testing.server import Server, ServerOptions


async def test_everything(server: Server, service: str) -> None:
    asked = f"service:={service}"
    async with AsyncClient(server.url) as logs:
        found = await logs.ingest(
            [{"message": "one", "level": "INFO"}, {"message": "two", "level": "WARNING"}], service=service
        )
        assert found.accepted == 2
        rows = [row async for row in await logs.query(f"{asked} | sort by (message)")]
        assert [row["message"] for row in rows] == ["one", "two"]
        frame = await (await logs.query(asked)).to_polars()
        assert frame.height == 2
        assert (await logs.get(str(rows[0]["id"])))["message"] == "one"
        assert len(await logs.context(str(rows[0]["id"]))) == 2
        assert [each.total for each in await logs.hits(asked)] == [2]
        assert "message" in {each.value for each in await logs.field_names(asked)}
        assert {each.value for each in await logs.field_values("message", asked)} == {"one", "two"}
        assert "level" in {each.field_name for each in await logs.facets(asked)}
        assert (await logs.stats()).total_logs >= 2
        counted = [row async for row in await logs.sql("SELECT 1 AS one")]
        assert [str(row["one"]) for row in counted] == ["1"]


async def test_pages_and_replicas(server: Server, service: str) -> None:
    async with AsyncClient(server.url) as logs:
        await logs.ready()
        await logs.ingest([{"message": "m"}], service=service)
        page = await logs.page(f"service:={service}")
        assert ([row["message"] for row in page.logs], page.total) == (["m"], 1)
        with pytest.raises(BadInput):
            await logs.replicate(b"nonsense")


async def test_errors(server: Server) -> None:
    async with AsyncClient(server.url) as logs:
        with pytest.raises(BadQuery):
            await logs.query("level:(")
        with pytest.raises(NotFound):
            await logs.get("1-1-1")
    async with AsyncClient("http://127.0.0.1:1") as logs:
        with pytest.raises(NotNow):
            await logs.stats()


async def test_tail(server: Server, service: str) -> None:
    async with AsyncClient(server.url) as logs:
        await logs.ingest([{"message": "before"}], service=service)
        seen = []
        async for event in logs.tail(f"service:={service}", history=5):
            assert not isinstance(event, Missed)
            seen.append(event["message"])
            if seen[-1] == "after":
                break
            await logs.ingest([{"message": "after"}], service=service)
        assert seen == ["before", "after"]


def test_a_tail_outlives_the_server(tmp_path: Path) -> None:
    """Killed and started again on the same port: what came in meanwhile is there, once."""
    options = ServerOptions(port=free_port())
    with Server(tmp_path / "data", options) as server, Client(server.url) as logs:
        logs.ingest([{"message": "first"}])
        tail = logs.tail(history=5)
        assert messages(tail, 1) == ["first"]
        server.kill()
        successor = Server(tmp_path / "data", options)
        with successor:
            logs.ingest([{"message": "second"}, {"message": "third"}])
            assert messages(tail, 2) == ["second", "third"]


def messages(tail: object, count: int) -> list[object]:
    found = []
    for _ in range(count):
        event = next(tail)  # type: ignore[call-overload]
        found.append(event["message"])
    return found
