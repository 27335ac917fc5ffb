"""What every other part of one run stands on: the homeserver, the database, the routes.

It is made first, and handed to whatever is put together in compose.py. Nothing here does any work.
"""

from __future__ import annotations

import attr

from ..cache.inbox import Inbox
from ..cache.topology_store import Store
from ..cache.transactions import FencedDatabase
from ..config.active import CurrentConfig
from ..config.timing import Limits, Timing
from ..matrix.client import Matrix, connect
from ..topology.current_routes import CurrentRoutes
from ..topology.model import Identity
from .host import Host


@attr.frozen
class Infrastructure:
    """What is handed to everything else."""

    host: Host
    config: CurrentConfig
    timing: Timing
    limits: Limits
    matrix: Matrix
    database: FencedDatabase
    store: Store
    inbox: Inbox
    routes: CurrentRoutes


def make_infrastructure(
    host: Host, config: CurrentConfig, timing: Timing, limits: Limits
) -> Infrastructure:
    """Make that; the arguments are those of `compose`."""
    identity = Identity(host.client.mxid, host.instance)
    matrix = connect(host.client, identity, timing.requests, timing.straggler)
    database = FencedDatabase(host.database, host.log, host.step_down)
    return Infrastructure(
        host=host,
        config=config,
        timing=timing,
        limits=limits,
        matrix=matrix,
        database=database,
        store=Store(database),
        inbox=Inbox(database),
        routes=CurrentRoutes(),
    )
