"""What every platform is to the rest of the plugin: words go in, the answer comes out in pieces.

It stands between Matrix and the agent systems so that neither side knows the other. It must
not name any particular platform, nor keep conversations: Matrix holds those.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal
from uuid import NAMESPACE_URL, uuid5

import attr

if TYPE_CHECKING:
    from aiohttp import ClientSession
    from mautrix.types import EventID
    from typing_extensions import Self


CONVERSATIONS = uuid5(NAMESPACE_URL, "https://spacekeeper.chat/conversation")
# Seconds.
TOTAL_TIMEOUT = 600.0


@attr.frozen
class Turn:
    """One earlier message of a chat, by its owner (`user`) or by the platform (`assistant`)."""

    role: Literal["user", "assistant"]
    text: str


@attr.frozen
class Prompt:
    """One message of an owner, on its way to the platform.

    `event_id` names the message for ever: a platform that is sent it twice may answer once.
    `history` gives the earlier utterances of this chat, oldest first and without this message;
    its argument is a budget in characters.
    """

    platform_chat_id: str
    event_id: EventID
    text: str = attr.field(repr=False)
    history: Callable[[int], Awaitable[Sequence[Turn]]] = attr.field(repr=False)


class PlatformError(Exception):
    """The platform gave no answer, and the owner should learn why.

    Args:
        sentence: shown in the chat as it is: what happened, and what the owner can do.
        can_retry: whether the same message may well succeed a little later.
        detail: a few technical words for the log; never the message's text, never a secret.
        retry_after: how many seconds the platform wants to be left alone, if it said so.
    """

    def __init__(
        self,
        sentence: str,
        *,
        can_retry: bool,
        detail: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{sentence} [{detail}]" if detail else sentence)
        self.sentence = sentence
        self.can_retry = can_retry
        self.detail = detail
        self.retry_after = retry_after


class Platform(ABC):
    """A platform that was set up and can be talked to; many chats use it at the same time.

    Attributes:
        total_timeout: how many seconds an answer may take in all, further tries included.
    """

    total_timeout: float = TOTAL_TIMEOUT

    async def open(self, key: str) -> str:
        """Begin a conversation; returns its `platform_chat_id`, unique over the whole instance.

        `key` names the wish for it: a platform that is asked twice with one key, because the
        first answer was lost, begins one conversation. Raises PlatformError. Platforms that keep
        no conversations need not override this.
        """
        return str(uuid5(CONVERSATIONS, key))

    @abstractmethod
    def send(self, prompt: Prompt) -> AsyncGenerator[str, None]:
        """Send one message; yields the answer piece by piece, as it comes.

        Raises PlatformError at any point. The pieces before it are then no answer and are to
        be discarded. Whoever stops early closes the generator (`contextlib.aclosing`).
        Errors of `message.history` pass through unchanged.
        """

    async def forget(self, platform_chat_id: str) -> None:
        """End a conversation for which no room could be made; raises PlatformError."""
        return


class PlatformSettings(ABC):
    """The settings of one platform, as the configuration holds them: frozen and checked.

    Attributes:
        model: which of a server's models answers, where there are several.
    """

    model: str = ""

    @classmethod
    @abstractmethod
    def parse(cls, raw: Mapping[Any, Any], where: str) -> Self:
        """Check one entry of `platforms`; `where` is its dotted key, such as `platforms.gpt`.

        Raises ValueError with one sentence that names the full key at fault.
        """

    @abstractmethod
    def build(self, http: ClientSession) -> Platform:
        """Set the platform up; `http` stays the caller's, who closes it."""
