"""A platform that answers as the test wants: at once, late, with an error, or with a bug."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import Any, ClassVar

import attr
from aiohttp import ClientSession

from plugin.platforms.protocol import Message, Platform, PlatformSettings

ORACLE = """
permissions: {local: user}
platforms: {oracle: {type: oracle}, echo: {type: echo}}
default_platform: oracle
"""


class Oracle(Platform):
    """Answers `Answer to <text>`, unless told otherwise.

    Attributes:
        asked: the conversation and the text of each message that came, in order.
        keys: the event each of them is known by.
        failures: what to raise for a text.
        gates: what to wait for before a text is answered.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.keys: list[str] = []
        self.failures: dict[str, Exception] = {}
        self.gates: dict[str, asyncio.Event] = {}

    def gate(self, text: str) -> asyncio.Event:
        """Answer this text only when the returned event is set."""
        self.gates[text] = asyncio.Event()
        return self.gates[text]

    async def send(self, message: Message) -> AsyncGenerator[str, None]:
        """Yields the answer in two pieces."""
        self.asked.append((message.platform_chat_id, message.text))
        self.keys.append(message.event_id)
        if message.text in self.gates:
            await self.gates[message.text].wait()
        if message.text in self.failures:
            raise self.failures[message.text]
        yield "Answer to "
        yield message.text

    @property
    def texts(self) -> list[str]:
        return [text for _, text in self.asked]


@attr.frozen
class OracleSettings(PlatformSettings):
    """Settings that lead to the one oracle of a test, put in by the fixture."""

    oracle: ClassVar[Oracle]

    @classmethod
    def parse(cls, raw: Mapping[Any, Any], where: str) -> OracleSettings:
        """There is nothing to set."""
        return cls()

    def build(self, http: ClientSession) -> Oracle:
        """The oracle of this test."""
        return self.oracle
