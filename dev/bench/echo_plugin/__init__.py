"""What Spacekeeper is measured against: the least that a maubot plugin can do about a message."""

from maubot import MessageEvent, Plugin
from maubot.handlers import event
from mautrix.types import EventType


class BareEcho(Plugin):
    """Sends every message back."""

    @event.on(EventType.ROOM_MESSAGE)  # type: ignore[arg-type, untyped-decorator]
    async def echo(self, evt: MessageEvent) -> None:
        """Answer with the same words."""
        if evt.sender != self.client.mxid:
            await evt.respond(evt.content.body)
