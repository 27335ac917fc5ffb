"""What a reconciliation came to: figures for the log, for `!status` and for administrators."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

import attr
from mautrix.types import RoomID, UserID

from ..topology.model import Problem, Reason, Status
from ..topology.routes import Routes
from ..topology.scope import Scope

if TYPE_CHECKING:
    from .apply import Outcome
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
        unread: of how many rooms it is not known what they are now.
        left: owners of whom more is to be written than there was time for, and their rooms.
        changed_meanwhile: owners of whom something changed during the run, who keep what they have
            now, and the rooms that must be read again for that.
        settled: False where a read or a write failed: another run is due.
    """

    run: int = 0
    at: float = 0.0
    reason: str = ""
    seconds: float = 0.0
    reasons: Counter[Reason] = attr.field(factory=Counter)
    writes: int = 0
    failed: int = 0
    problems: tuple[Problem, ...] = ()
    unfinished: tuple[UserID, ...] = ()
    open: Scope = attr.field(factory=Scope)
    unread: int = 0
    left: Scope = attr.field(factory=Scope)
    changed_meanwhile: Scope = attr.field(factory=Scope)
    settled: bool = True

    def __add__(self, part: Report) -> Report:
        """What this and a further part of the same run came to."""
        return Report(
            reasons=self.reasons + part.reasons,
            writes=self.writes + part.writes,
            failed=self.failed + part.failed,
            problems=self.problems + part.problems,
            unfinished=self.unfinished + part.unfinished,
            open=self.open | part.open,
            unread=self.unread + part.unread,
            left=self.left | part.left,
            changed_meanwhile=self.changed_meanwhile | part.changed_meanwhile,
            settled=self.settled and part.settled,
        )

    def log_to(self, routes: Routes, log: logging.Logger) -> None:
        """One line for the run."""
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


class ProblemLog:
    """Says in the log what was left out in a room, once until it is something else: somebody may
    put any number of odd events into a Space of theirs."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._said: dict[RoomID, str] = {}

    def note(self, problems: Iterable[Problem], read: Iterable[RoomID]) -> None:
        """Note what came of a run.

        Args:
            problems: what was left out.
            read: the rooms that were read; what is not named of them is right again.
        """
        by_room: dict[RoomID, list[Problem]] = {room_id: [] for room_id in read}
        for problem in problems:
            by_room.setdefault(problem.room_id, []).append(problem)
        for room_id, left_out in by_room.items():
            counted = describe_reasons(Counter(one.reason for one in left_out))
            if not left_out:
                self._said.pop(room_id, None)
            elif self._said.get(room_id) != counted:
                self._said[room_id] = counted
                what = left_out[0].what
                self._log.debug("Left out in %s: %s; the first: %s", room_id, counted, what)


def make_report(observed: RoomSnapshot, outcome: Outcome, saved: bool) -> Report:
    """Sum up one part of a run; what only the run itself knows is for the caller to fill in."""
    snapshot, plan = observed.snapshot, observed.plan
    stale = {room_id: chat for room_id, chat in plan.topology.chats.items() if chat.stale}
    owners = {chat.owner for chat in stale.values()}
    failed = [write for write in outcome.failed if write.owner not in outcome.left]
    owners |= {write.owner for write in failed}
    # Only who reads the room itself sees what it lacks, where its mirror is whole.
    rooms = frozenset(write.chat or write.room_id for write in failed)
    open_ends = Scope(
        frozenset(owners - outcome.left),
        plan.unread | plan.to_read | plan.to_join | snapshot.unread | rooms,
    )
    of_these = (write for write in outcome.failed if write.owner in outcome.left)
    left = Scope(outcome.left, frozenset(write.chat or write.room_id for write in of_these))
    return Report(
        reasons=Counter(plan.reasons.values()),
        writes=len(plan.writes) - len(outcome.failed),
        failed=len(outcome.failed),
        problems=plan.problems,
        unfinished=plan.unfinished,
        open=open_ends,
        unread=len(plan.unread | plan.to_read | stale.keys()),
        left=left,
        settled=saved and not (open_ends or left),
    )


def describe_reasons(reasons: Counter[Reason]) -> str:
    """How many rooms each thing was found of."""
    return ", ".join(f"{reason.value} {number}" for reason, number in sorted(reasons.items()))
