"""What a reconciliation came to: figures for the log, for `!status` and for administrators."""

from __future__ import annotations

import logging
import time
from collections import Counter
from typing import TYPE_CHECKING

import attr
from mautrix.types import UserID

from ..planner.writes import Write
from ..topology.model import Problem, Reason, Status
from ..topology.routes import Routes
from ..topology.scope import Scope

if TYPE_CHECKING:
    from .looks import RoomSnapshot


@attr.frozen
class Report:
    """What one run came to.

    Attributes:
        run: its number since the plugin was started.
        at: its end, in seconds since the epoch.
        reason: why there was one.
        seconds: how long it took.
        reasons: how many rooms each thing was found of.
        writes: state events sent.
        failed: state events that could not be sent.
        unfinished: owners with a Space but no chat.
        open: what could not be read or written.
        changed_meanwhile: owners of whom something changed during the run, who keep what they have
            now, and the rooms that must be read again for that.
        settled: False where a read or a write failed: another run is due.
    """

    run: int
    at: float
    reason: str
    seconds: float
    reasons: Counter[Reason]
    writes: int
    failed: int
    problems: tuple[Problem, ...]
    unfinished: tuple[UserID, ...]
    open: Scope
    changed_meanwhile: Scope
    settled: bool

    def log_to(self, routes: Routes, log: logging.Logger) -> None:
        """One line for the run, and in detail what was left out."""
        for problem in self.problems:
            log.debug("Left out in %s: %s", problem.room_id, problem.what)
        log.info(
            "Reconciled, run %d (%s): %d Spaces, %d live chats, %d writes, %d failed, "
            "%d rooms unread, %d problems, in %.2f s",
            self.run,
            self.reason,
            len(routes.spaces),
            routes.counts[Status.LIVE],
            self.writes,
            self.failed,
            len(routes.unread),
            len(self.problems),
            self.seconds,
        )


def make_report(observed: RoomSnapshot, failed: list[Write], saved: bool) -> Report:
    """Sum up one run; what only the run itself knows is for the caller to fill in."""
    snapshot, plan = observed.snapshot, observed.plan
    owners = {chat.owner for chat in plan.topology.chats.values() if chat.stale}
    owners |= {write.owner for write in failed}
    open_ends = Scope(
        frozenset(owners), plan.unread | plan.to_read | plan.to_join | snapshot.unread
    )
    return Report(
        run=0,
        at=time.time(),
        reason="",
        seconds=0.0,
        reasons=Counter(plan.reasons.values()),
        writes=len(plan.writes) - len(failed),
        failed=len(failed),
        problems=plan.problems,
        unfinished=plan.unfinished,
        open=open_ends,
        changed_meanwhile=Scope(),
        settled=saved and not open_ends,
    )
