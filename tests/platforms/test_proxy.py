"""An operator behind a proxy: platforms are reached through it where the environment says so."""

from __future__ import annotations

import aiohttp
import pytest

from plugin.platforms.openai import OpenAI, OpenAISettings
from plugin.platforms.protocol import PlatformError

from .conversation import Server, ask, say


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUEST_METHOD"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def far_away(http: aiohttp.ClientSession) -> OpenAI:
    """A server that can only be reached through a proxy."""
    return OpenAISettings("http://assistant.invalid/v1", "small").build(http)


@pytest.mark.parametrize("scheme", ["http://", ""])
async def test_a_platform_is_reached_through_the_proxy(
    server: Server, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    address = server.base_url.removesuffix("/v1").removeprefix("http://")
    monkeypatch.setenv("HTTP_PROXY", f"{scheme}{address}")

    assert await ask(far_away(http), say("Hi")) == ["Hello", " there"]
    assert server.headers[0]["Host"] == "assistant.invalid"


@pytest.mark.parametrize("exempt", ["assistant.invalid", ".invalid", "*"])
async def test_what_is_exempt_from_the_proxy_is_reached_without(
    server: Server, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch, exempt: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.base_url.removesuffix("/v1"))
    monkeypatch.setenv("NO_PROXY", exempt)

    with pytest.raises(PlatformError, match="cannot reach"):
        await ask(far_away(http), say("Hi"))
    assert server.questions == []


@pytest.mark.parametrize("proxy", ["socks5://user:sk-secret@127.0.0.1:1", "http://[", "http://"])
async def test_a_proxy_that_cannot_be_used_is_a_matter_for_the_operator(
    http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy)

    with pytest.raises(PlatformError, match="tell whoever runs this bot") as caught:
        await ask(far_away(http), say("Hi"))

    assert not caught.value.can_retry
    assert "HTTP_PROXY" in caught.value.detail
    assert "sk-secret" not in str(caught.value)
