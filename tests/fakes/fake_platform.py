"""A platform that answers as the test wants: at once, late, with an error, or with a bug."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, ClassVar

import attr
from aiohttp import ClientSession

from plugin.platforms.protocol import Platform, PlatformSettings, Prompt, Turn

FAKE_PLATFORM = """
permissions: {local: user}
platforms: {fake: {type: fake}, echo: {type: echo}}
default_platform: fake
"""


class Stream:
    """An answer that the platform gives word by word, as the test has it speak.

    Attributes:
        heard: set when the platform was asked.
    """

    def __init__(self) -> None:
        self.heard = asyncio.Event()
        self._said: asyncio.Queue[str | Exception | None] = asyncio.Queue()

    def say(self, *texts: str) -> None:
        """Say this much more of the answer."""
        for text in texts:
            self._said.put_nowait(text)

    def end(self) -> None:
        """Say that this was all of it."""
        self._said.put_nowait(None)

    def fail(self, error: Exception) -> None:
        """Break off."""
        self._said.put_nowait(error)

    async def texts(self) -> AsyncGenerator[str, None]:
        """What is said, as it is; one that asks again hears what was not heard before."""
        self.heard.set()
        # In a task of its own, so that it can be seen that nothing is at work.
        while (said := await asyncio.ensure_future(self._said.get())) is not None:
            if isinstance(said, Exception):
                raise said
            yield said


class FakePlatform(Platform):
    """Answers `Answer to <text>`, unless told otherwise.

    Attributes:
        asked: the conversation and the text of each message that came, in order.
        keys: the event each of them is known by.
        failures: what to raise for a text.
        gates: what to wait for before a text is answered.
        forgotten: the conversations that were ended.
        answers: what to answer to a text, where it is something else.
        streams: what to answer to a text, where it is said word by word.
        budget: how many characters of what was said before are asked for; none if it is 0.
        histories: what was had of that, for each message.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.keys: list[str] = []
        self.failures: dict[str, Exception] = {}
        self.gates: dict[str, asyncio.Event] = {}
        self.forgotten: list[str] = []
        self.answers: dict[str, str] = {}
        self.streams: dict[str, Stream] = {}
        self.budget = 0
        self.histories: list[Sequence[Turn]] = []

    def gate(self, text: str) -> asyncio.Event:
        """Answer this text only when the returned event is set."""
        self.gates[text] = asyncio.Event()
        return self.gates[text]

    def stream(self, text: str) -> Stream:
        """Answer this text as what is returned says; the next time it is asked, too."""
        self.streams[text] = Stream()
        return self.streams[text]

    async def send(self, message: Prompt) -> AsyncGenerator[str, None]:
        """Yields the answer in two pieces."""
        self.asked.append((message.platform_chat_id, message.text))
        self.keys.append(message.event_id)
        if self.budget:
            self.histories.append(await message.history(self.budget))
        if message.text in self.gates:
            await self.gates[message.text].wait()
        if message.text in self.failures:
            raise self.failures[message.text]
        if message.text in self.streams:
            async for text in self.streams[message.text].texts():
                yield text
            return
        if message.text in self.answers:
            yield self.answers[message.text]
            return
        yield "Answer to "
        yield message.text

    async def forget(self, platform_chat_id: str) -> None:
        """Note it."""
        self.forgotten.append(platform_chat_id)

    @property
    def texts(self) -> list[str]:
        return [text for _, text in self.asked]


@attr.frozen
class FakePlatformSettings(PlatformSettings):
    """Settings that lead to the one platform of a test, put in by the fixture."""

    platform: ClassVar[FakePlatform]

    @classmethod
    def parse(cls, raw: Mapping[Any, Any], where: str) -> FakePlatformSettings:
        """There is nothing to set."""
        return cls()

    def build(self, http: ClientSession) -> FakePlatform:
        """The platform of this test."""
        return self.platform
