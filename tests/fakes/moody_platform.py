"""Platforms that can be well, hang, fail or trickle, each for as long as it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import Any, ClassVar, Literal

import attr
from aiohttp import ClientSession

from plugin.platforms.protocol import Platform, PlatformError, PlatformSettings, Prompt

Mood = Literal["well", "hangs", "fails", "trickles"]
# Seconds: what a quick answer takes, and the time between two drops.
QUICK, DROP = 0.1, 5.0


class MoodyPlatform(Platform):
    """Answers `Answer to <text>` while it is well; it asks for the history as all of them do.

    Attributes:
        asked: the texts that came, in order.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.mood: Mood = "well"
        self._changed = asyncio.Event()

    def become(self, mood: Mood) -> None:
        """Change the mood; whoever waits for an answer feels it."""
        self.mood = mood
        self._changed.set()
        self._changed = asyncio.Event()

    async def send(self, prompt: Prompt) -> AsyncGenerator[str, None]:
        """Yields the answer, or drops of one; raises PlatformError while it fails."""
        self.asked.append(prompt.text)
        await prompt.history(1000)
        await asyncio.sleep(QUICK)
        while self.mood == "hangs":
            await self._changed.wait()
        while self.mood == "trickles":
            await asyncio.sleep(DROP)
            yield " "
        if self.mood == "fails":
            raise PlatformError("The assistant is unwell.", can_retry=True)
        yield f"Answer to {prompt.text}"


@attr.frozen
class MoodySettings(PlatformSettings):
    """Settings that lead to the platform of that name."""

    name: str
    platforms: ClassVar[Mapping[str, MoodyPlatform]]

    @classmethod
    def parse(cls, raw: Mapping[Any, Any], where: str) -> MoodySettings:
        """Its name is all there is to it."""
        return cls(raw["name"])

    def build(self, http: ClientSession) -> MoodyPlatform:
        """The platform of this test."""
        return self.platforms[self.name]
