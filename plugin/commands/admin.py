"""`!admin`: what administrators can see and do, in the control room or a chat of theirs."""

from __future__ import annotations

from mautrix.types import UserID

from ..config.active import CurrentConfig
from ..config.permissions import Level
from ..delivery.platform_retry import PlatformCalls
from ..errors import UserError
from ..reconciler.loop import Reconciler
from ..reconciler.report import Report, describe_reasons
from ..topology.contents import is_user_id
from ..topology.model import Reason
from ..topology.scope import Scope
from . import sentences

# What is done with a room of which this was found.
ACTIONS = {
    Reason.ADOPTED: sentences.ADOPT,
    Reason.RELINKED: sentences.RELINK,
    Reason.BACKFILLED: sentences.BACKFILL,
    Reason.SUPERSEDED: sentences.SUPERSEDE,
    Reason.UPGRADED: sentences.FOLLOW,
}
# Of rooms that could not be read; the rest is counted.
MOST_LISTED = 50


class Administration:
    """Answers `!admin`."""

    def __init__(
        self, reconciler: Reconciler, config: CurrentConfig, calls: PlatformCalls
    ) -> None:
        self.reconciler = reconciler
        self.config = config
        self.calls = calls

    async def run(self, sender: UserID, words: str) -> str:
        """Carry out the words behind `!admin`.

        Raises:
            UserError: the sender is no administrator, or the words make no sense.
        """
        if self.config.level_of(sender) < Level.ADMIN:
            raise UserError(sentences.ADMINS_ONLY)
        match words.split():
            case ["status"]:
                return self._status()
            case ["reconcile"]:
                return await self._reconcile(None)
            case ["reconcile", "--dry-run"]:
                return await self._rehearse(None)
            case ["reconcile", user] if is_user_id(user):
                return await self._reconcile(Scope(frozenset({UserID(user)})))
            case ["reconcile", "--dry-run", user] if is_user_id(user):
                return await self._rehearse(Scope(frozenset({UserID(user)})))
            case _:
                raise UserError(sentences.ADMIN_USAGE)

    async def _rehearse(self, scope: Scope | None) -> str:
        plan = await self.reconciler.rehearse(scope)
        if not (plan.writes or plan.unread):
            return sentences.NOTHING_TO_DO
        return _with_unread(sentences.WOULD_DO.format(plan=describe_plan(plan)), plan.unread)

    async def _reconcile(self, scope: Scope | None) -> str:
        plan = await self.reconciler.rehearse(scope)
        if scope is not None:
            report = await self.reconciler.run_for(scope, "asked for")
        else:
            report = await self.reconciler.run("asked for", full=True)
        unread = len(report.open.rooms)
        if not (plan.writes or report.writes or report.failed or unread):
            return sentences.NOTHING_TO_DO
        said = sentences.WAS_DONE.format(
            plan=describe_plan(plan),
            seconds=report.seconds,
            writes=report.writes,
            failed=report.failed,
        )
        return _with_unread(said, unread)

    def _status(self) -> str:
        api, last = self.reconciler.reader.api, self.reconciler.last
        routes = self.reconciler.routes
        lines = [
            sentences.KNOWN.format(
                spaces=len(routes.spaces),
                chats=len(routes.chats),
                stale=len(routes.stale),
                unread=len(routes.unread),
            )
        ]
        if last is None:
            lines.append(sentences.NO_RUN)
        else:
            lines.append(
                sentences.LAST_RUN.format(
                    run=last.run,
                    reason=last.reason,
                    seconds=last.seconds,
                    writes=last.writes,
                    failed=last.failed,
                    found=describe_reasons(last.reasons),
                )
            )
        sent = ", ".join(f"{kind} {number}" for kind, number in sorted(api.sent.items()))
        lines.append(
            sentences.REQUESTS.format(sent=sent or sentences.NO_REQUESTS, limited=api.limited)
        )
        lines += [
            sentences.PLATFORM_FAILS.format(name=name, reason=failure.detail)
            for name, failure in sorted(self.calls.failures.items())
        ]
        rooms = sorted(routes.stale | routes.unread)
        lines += [sentences.STALE_OR_UNREAD.format(room_id=one) for one in rooms[:MOST_LISTED]]
        if len(rooms) > MOST_LISTED:
            lines.append(sentences.MORE_ROOMS.format(count=len(rooms) - MOST_LISTED))
        return "  \n".join(lines)


def describe_plan(plan: Report) -> str:
    """What was rehearsed in words, after "would" or "to": what is done with how many rooms."""
    if not plan.writes:
        return sentences.CHANGE_NOTHING
    found = sorted(plan.reasons.items())
    actions = [ACTIONS[one].format(count=count) for one, count in found if one in ACTIONS]
    actions = actions or [sentences.REPAIR]
    return sentences.PLAN.format(actions=", ".join(actions), events=plan.writes)


def _with_unread(said: str, rooms: int) -> str:
    return f"{said}  \n{sentences.ROOMS_UNREAD.format(count=rooms)}" if rooms else said
