"""Puts the handlers together: who hands what to whom, in one place."""

from __future__ import annotations

import logging
from collections.abc import Callable

import attr
from maubot.matrix import MaubotMatrixClient

from ..curation import Curation
from ..provisioning import Provisioning
from ..setup import Setup
from .boundary import Boundary
from .catch_up import CatchUp
from .commands import Commands
from .conversation import Conversation
from .invitations import Invitations
from .messages import Messages
from .queues import RoomQueues
from .reception import Reception
from .space_events import SpaceEvents


@attr.frozen
class Handlers:
    """Everything that serves people; `all` is what maubot must be given."""

    queues: RoomQueues
    invitations: Invitations
    messages: Messages
    space_events: SpaceEvents
    catch_up: CatchUp

    @property
    def all(self) -> tuple[object, ...]:
        return (self.space_events, self.invitations, self.messages, self.catch_up)

    def is_idle(self) -> bool:
        """Whether everything that was delivered is done with."""
        return self.queues.idle and self.catch_up.reconciliation.idle


def assemble(
    client: MaubotMatrixClient,
    provisioning: Provisioning,
    setup: Callable[[], Setup],
    log: logging.Logger,
) -> Handlers:
    """Make the handlers of one life of the plugin.

    Args:
        client: maubot's client.
        provisioning: makes Spaces and chats.
        setup: the configuration in force.
        log: the instance's log.
    """
    matrix, reconciliation = provisioning.matrix, provisioning.reconciliation
    queues = RoomQueues()
    boundary = Boundary(matrix.sender, log)
    commands = Commands(Curation(provisioning), reconciliation, setup)
    reception = Reception(matrix, provisioning, commands, setup)
    conversation = Conversation(matrix, setup, commands.is_command)
    invitations = Invitations(reception, queues, boundary, log)
    messages = Messages(reception, commands, conversation, queues, boundary)
    return Handlers(
        queues=queues,
        invitations=invitations,
        messages=messages,
        space_events=SpaceEvents(reconciliation),
        catch_up=CatchUp(client, matrix.timeline, messages, invitations, reconciliation),
    )
