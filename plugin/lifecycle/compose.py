"""Puts the handlers together: who hands what to whom, in one place."""

from __future__ import annotations

from collections.abc import Callable

import attr

from ..cache.inbox import Inbox
from ..commands.dispatch import Commands
from ..config.active import ActiveConfig
from ..delivery.amend import Amend
from ..delivery.answer import Responder
from ..delivery.error_boundary import ErrorBoundary
from ..delivery.inbound import Inbound
from ..delivery.pending import PendingMessages
from ..delivery.room_queues import RoomQueues
from ..handlers.control_room import ControlRoom
from ..handlers.invitations import Invitations
from ..handlers.messages import Messages
from ..handlers.space_events import SpaceEvents
from ..spaces.edit import ChatEdits
from ..spaces.provision import Provisioning
from .catch_up import CatchUp
from .resume import Resume


@attr.frozen
class Handlers:
    """Everything that serves people; `all` is what maubot must be given."""

    queues: RoomQueues
    inbox: Inbox
    intake: Inbound
    invitations: Invitations
    messages: Messages
    space_events: SpaceEvents
    catch_up: CatchUp
    resumption: Resume

    @property
    def all(self) -> tuple[object, ...]:
        return (self.space_events, self.invitations, self.messages, self.catch_up)

    def is_kept(self) -> bool:
        """Whether everything that was delivered is in the database, or done with."""
        return self.intake.saved and self.invitations.idle and self.catch_up.reconciler.idle

    def is_done(self) -> bool:
        """Whether everything that was delivered is done with."""
        return self.is_kept() and not self.intake.pending.open

    async def close(self) -> None:
        """Take in nothing more, and let what goes on end if it does so soon."""
        await self.catch_up.close()
        await self.queues.close()
        self.messages.conversation.activity.close()
        await self.intake.pending.close()


def assemble(
    provisioning: Provisioning, inbox: Inbox, setup: Callable[[], ActiveConfig]
) -> Handlers:
    """Make the handlers of one life of the plugin.

    Args:
        provisioning: makes Spaces and chats.
        inbox: keeps messages until they are answered.
        setup: the configuration in force.
    """
    matrix, reconciler = provisioning.matrix, provisioning.reconciler
    queues = RoomQueues()
    boundary = ErrorBoundary(matrix.sender, reconciler.log)
    cases = PendingMessages(inbox, queues, boundary, matrix.sender)
    amendments = Amend(cases, matrix.timeline)
    intake = Inbound(cases, amendments)
    commands = Commands(ChatEdits(provisioning), reconciler, setup, amendments)
    reception = ControlRoom(matrix, provisioning, commands, setup)
    conversation = Responder(matrix, setup, commands.is_command, inbox)
    invitations = Invitations(reception, queues, boundary, reconciler.log)
    messages = Messages(reception, conversation, intake)

    def max_age() -> float:
        return setup().settings.catch_up_max_age

    return Handlers(
        queues=queues,
        inbox=inbox,
        intake=intake,
        invitations=invitations,
        messages=messages,
        space_events=SpaceEvents(reconciler),
        catch_up=CatchUp(messages, invitations, reconciler, matrix.timeline),
        resumption=Resume(messages, matrix.timeline, max_age, reconciler.log),
    )
