"""Which of several instances on one bot account answers somebody outside of the chats.

Each gets every event of the account, and their Spaces are apart; but in a direct chat with the bot
and in a group one answer is wanted, and one Space. All of them ask the same question of the same
facts, so they need not talk. They find each other by maubot's client, which they share; two
processes on one account are not seen here.
"""

from __future__ import annotations

import asyncio
import enum
import time
from typing import Any

import attr
from maubot.matrix import MaubotMatrixClient
from mautrix.types import UserID

from ..config.active import CurrentConfig
from ..config.permissions import Level
from ..matrix.api import NoAnswer
from ..topology.routes import Routes

ATTRIBUTE = "chat_spacekeeper_instances"
# Seconds for which the others wait for an instance that starts, and may have somebody's Space.
LONGEST_START = 30.0


class Claim(enum.IntEnum):
    """What an instance has to do with somebody; the highest claim is the one that counts."""

    NONE = 0
    PERMITTED = 1
    HAS_SPACE = 2


@attr.define(eq=False)
class SharedAccount:
    """One instance's place among those on its account.

    Attributes:
        client: maubot's client, which they share.
        instance: the instance's key; among equals the first one answers.
        config: says who may use it.
        routes: say who has a Space of it.
        served: set when the routes are known.
    """

    client: MaubotMatrixClient
    instance: str
    config: CurrentConfig
    routes: Routes
    served: asyncio.Event
    since: float = attr.field(factory=time.monotonic)

    def join(self) -> None:
        """Take a place, perhaps that of an older run of the same instance."""
        self._registry(create=True)[self.instance] = self

    def leave(self) -> None:
        """Give the place up, unless a newer run has taken it."""
        registry = self._registry()
        if registry.get(self.instance) is self:
            del registry[self.instance]
        if not registry:
            vars(self.client).pop(ATTRIBUTE, None)

    def answers(self, user: UserID) -> bool:
        """Whether it is for this instance to answer somebody.

        Raises:
            NoAnswer: that is not known before another instance has started.
        """
        mine = self._claim(user)
        for other in self._registry().values():
            if other is self:
                continue
            if other.served.is_set():
                theirs = other._claim(user)
                if theirs > mine or (theirs == mine and other.instance < self.instance):
                    return False
            elif time.monotonic() - other.since < LONGEST_START:
                raise NoAnswer(f"the instance {other.instance} is still starting")
        return True

    def _claim(self, user: UserID) -> Claim:
        if self.config.level_of(user) < Level.USER:
            return Claim.NONE
        return Claim.HAS_SPACE if user in self.routes.spaces else Claim.PERMITTED

    def _registry(self, create: bool = False) -> dict[str, SharedAccount]:
        attributes: dict[str, Any] = vars(self.client)
        found: dict[str, SharedAccount] = attributes.get(ATTRIBUTE, {})
        if create:
            attributes[ATTRIBUTE] = found
        return found
