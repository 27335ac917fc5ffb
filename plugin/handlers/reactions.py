"""Takes reactions: one of them, on an answer that is being written, ends it.

Any other means nothing to the bot, and so does every reaction to anything else.
"""

from __future__ import annotations

from maubot.handlers import event
from mautrix.types import EventType, ReactionEvent

from ..delivery.inbound import Inbound
from ..matrix.stop_sign import parse_stop_sign


class Reactions:
    """Takes every reaction."""

    def __init__(self, inbound: Inbound) -> None:
        """
        Args:
            inbound: ends answers, when what was written before is known.
        """
        self._inbound = inbound

    @event.on(EventType.REACTION)
    async def take(self, evt: ReactionEvent) -> None:
        """Take in a live reaction."""
        sign = parse_stop_sign(evt.serialize())
        if sign is not None:
            self._inbound.receive(sign)
