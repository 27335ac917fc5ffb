"""Puts the handlers together: who hands what to whom, in one place."""

from __future__ import annotations

from collections.abc import Callable

import attr

from ..cache.inbox import Inbox
from ..commands.dispatch import Commands
from ..config.active import Setup
from ..delivery.amend import Amendments
from ..delivery.answer import Conversation
from ..delivery.error_boundary import Boundary
from ..delivery.inbound import Intake
from ..delivery.pending import Cases
from ..delivery.room_queues import RoomQueues
from ..handlers.control_room import Reception
from ..handlers.invitations import Invitations
from ..handlers.messages import Messages
from ..handlers.space_events import SpaceEvents
from ..spaces.edit import Curation
from ..spaces.provision import Provisioning
from .catch_up import CatchUp
from .resume import Resumption


@attr.frozen
class Handlers:
    """Everything that serves people; `all` is what maubot must be given."""

    queues: RoomQueues
    inbox: Inbox
    intake: Intake
    invitations: Invitations
    messages: Messages
    space_events: SpaceEvents
    catch_up: CatchUp
    resumption: Resumption

    @property
    def all(self) -> tuple[object, ...]:
        return (self.space_events, self.invitations, self.messages, self.catch_up)

    def is_kept(self) -> bool:
        """Whether everything that was delivered is in the database, or done with."""
        return self.intake.saved and self.invitations.idle and self.catch_up.reconciliation.idle

    def is_done(self) -> bool:
        """Whether everything that was delivered is done with."""
        return self.is_kept() and not self.intake.cases.open

    async def close(self) -> None:
        """Take in nothing more, and let what goes on end if it does so soon."""
        await self.catch_up.close()
        await self.queues.close()
        self.messages.conversation.attention.close()
        await self.intake.cases.close()


def assemble(provisioning: Provisioning, inbox: Inbox, setup: Callable[[], Setup]) -> Handlers:
    """Make the handlers of one life of the plugin.

    Args:
        provisioning: makes Spaces and chats.
        inbox: keeps messages until they are answered.
        setup: the configuration in force.
    """
    matrix, reconciliation = provisioning.matrix, provisioning.reconciliation
    queues = RoomQueues()
    boundary = Boundary(matrix.sender, reconciliation.log)
    cases = Cases(inbox, queues, boundary, matrix.sender)
    amendments = Amendments(cases, matrix.timeline)
    intake = Intake(cases, amendments)
    commands = Commands(Curation(provisioning), reconciliation, setup, amendments)
    reception = Reception(matrix, provisioning, commands, setup)
    conversation = Conversation(matrix, setup, commands.is_command, inbox)
    invitations = Invitations(reception, queues, boundary, reconciliation.log)
    messages = Messages(reception, conversation, intake)

    def max_age() -> float:
        return setup().settings.catch_up_max_age

    return Handlers(
        queues=queues,
        inbox=inbox,
        intake=intake,
        invitations=invitations,
        messages=messages,
        space_events=SpaceEvents(reconciliation),
        catch_up=CatchUp(messages, invitations, reconciliation, matrix.timeline),
        resumption=Resumption(messages, matrix.timeline, max_age, reconciliation.log),
    )
