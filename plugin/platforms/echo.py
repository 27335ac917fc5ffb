"""The platform that comes with the plugin: it answers every message with the message.

It makes a fresh installation work before any agent system is connected, and shows the least a
platform has to do. It must not reach outside.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING, Any

import attr

from ..fields import Fields
from .protocol import Platform, PlatformSettings, Prompt

if TYPE_CHECKING:
    from aiohttp import ClientSession


@attr.frozen
class EchoSettings(PlatformSettings):
    """There is nothing to set."""

    @classmethod
    def parse(cls, raw: Mapping[Any, Any], where: str) -> EchoSettings:
        """Raises ValueError for any key but `type`."""
        Fields(raw, where).refuse_unknown(("type",))
        return cls()

    def build(self, http: ClientSession) -> Echo:
        """An echo needs no connection: `http` is left alone."""
        return Echo()


class Echo(Platform):
    """Answers with the text it was sent."""

    async def send(self, prompt: Prompt) -> AsyncGenerator[str, None]:
        """Yields the message's text in one piece."""
        yield prompt.text
