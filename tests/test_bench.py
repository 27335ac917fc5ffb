"""The benchmark's simulated homeserver is one on which the plugin starts as on a real one."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev.bench import running
from dev.bench.simulated import Running
from dev.bench.start import measure

SPACES, CHATS = 3, 2


async def test_a_cold_start_finds_every_chat_and_nothing_to_repair(tmp_path: Path) -> None:
    figures = await measure("cold", SPACES, CHATS, tmp_path / "cache.db")

    assert figures["chats"] == SPACES * CHATS
    # One of them asks for the cursor where earlier versions kept it, as this account has none.
    assert figures["requests"] <= SPACES + 6


@pytest.mark.parametrize(("how", "requests"), [("warm", 2), ("changed", 6)])
async def test_a_warm_start_asks_for_no_more_than_what_changed(
    tmp_path: Path, how: str, requests: int
) -> None:
    await measure("cold", SPACES, CHATS, tmp_path / "cache.db")

    figures = await measure(how, SPACES, CHATS, tmp_path / "cache.db")

    assert figures["requests"] <= requests


async def test_a_running_instance_takes_in_every_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "SAMPLES", 1)
    await measure("cold", 6, 2, tmp_path / "cache.db")

    figures = await running.measure(6, 2, tmp_path / "cache.db")

    assert Running(**figures).start_requests <= 2
