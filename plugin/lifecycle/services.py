"""What one run of the plugin consists of, as far as a start and a stop have to do with it.

It is put together in compose.py; nothing here makes any of it.
"""

from __future__ import annotations

import attr

from ..cache.erasure import Erasure
from ..cache.inbox import Inbox
from ..cache.topology_store import Store
from ..config.timing import Timing
from ..delivery.inbound import Inbound
from ..delivery.pending import PendingMessages
from ..delivery.room_queues import RoomQueues
from ..handlers.invitations import Invitations
from ..handlers.messages import Messages
from ..matrix.client import Matrix
from ..reconciler.loop import Reconciler
from ..spaces.provision import Provisioning
from ..topology.current_routes import CurrentRoutes
from ..topology.scope import Scope
from .catch_up import CatchUp
from .shared_account import SharedAccount


@attr.frozen
class Services:
    """What a start and a stop have to do with; `handlers` is what maubot must be given."""

    timing: Timing
    matrix: Matrix
    store: Store
    inbox: Inbox
    erasure: Erasure
    routes: CurrentRoutes
    account: SharedAccount
    reconciler: Reconciler
    provisioning: Provisioning
    queues: RoomQueues
    pending: PendingMessages
    inbound: Inbound
    invitations: Invitations
    messages: Messages
    catch_up: CatchUp
    handlers: tuple[object, ...]

    @property
    def unsettled(self) -> Scope:
        """What of the topology must be looked at again, however far the messages have come."""
        return self.reconciler.unsettled

    def is_kept(self) -> bool:
        """Whether every message and invitation that was delivered is kept, or done with."""
        return self.inbound.saved and not self.catch_up.is_behind() and self.invitations.queue.idle

    def is_done(self) -> bool:
        """Whether everything that was delivered is done with."""
        return self.is_kept() and not self.pending.open

    async def close(self) -> None:
        """Take in nothing more, and let what goes on end if it does so soon."""
        self.reconciler.close()
        await self.catch_up.close()
        await self.queues.close()
        await self.pending.close()
        self.matrix.renderer.close()
