"""`!admin`: what administrators can see and do, in the control room or a chat of theirs."""

from __future__ import annotations

from mautrix.types import UserID

from ..config.active import CurrentConfig
from ..config.permissions import Level
from ..errors import UserError
from ..reconciler.loop import Reconciler
from ..reconciler.report import describe_plan, describe_reasons
from ..topology.contents import is_user_id
from ..topology.scope import Scope

USAGE = "Usage: `!admin status` or `!admin reconcile [--dry-run] [@user:server]`."


class Administration:
    """Answers `!admin`."""

    def __init__(self, reconciler: Reconciler, config: CurrentConfig) -> None:
        self.reconciler = reconciler
        self.config = config

    async def run(self, sender: UserID, words: str) -> str:
        """Carry out the words behind `!admin`.

        Raises:
            UserError: the sender is no administrator, or the words make no sense.
        """
        if self.config.level_of(sender) < Level.ADMIN:
            raise UserError("That is for administrators; `permissions` says who is one.")
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
                raise UserError(USAGE)

    async def _rehearse(self, scope: Scope | None) -> str:
        plan = await self.reconciler.plan(scope)
        return f"A reconciliation would {describe_plan(plan)}."

    async def _reconcile(self, scope: Scope | None) -> str:
        plan = await self.reconciler.plan(scope)
        if scope is not None:
            report = await self.reconciler.run_for(scope, "asked for")
        else:
            report = await self.reconciler.run("asked for", full=True)
        done = f"{report.writes} events written, {report.failed} failed"
        return f"The plan was to {describe_plan(plan)}.  \nDone in {report.seconds:.1f} s: {done}."

    def _status(self) -> str:
        api, last = self.reconciler.reader.api, self.reconciler.last
        routes = self.reconciler.routes
        lines = [
            f"{len(routes.spaces)} Spaces, {len(routes.chats)} chats, "
            f"{len(routes.stale)} stale, {len(routes.unread)} rooms unread."
        ]
        if last is None:
            lines.append("No reconciliation was needed since the start.")
        else:
            lines.append(
                f"Last reconciliation: run {last.run} ({last.reason}), {last.seconds:.2f} s, "
                f"{last.writes} writes, {last.failed} failed; {describe_reasons(last.reasons)}."
            )
        sent = ", ".join(f"{kind} {number}" for kind, number in sorted(api.sent.items()))
        lines.append(f"Requests since the start: {sent or 'none'}; 429 answers: {api.limited}.")
        lines += [
            f"Stale or unread: `{room_id}`" for room_id in sorted(routes.stale | routes.unread)
        ]
        return "  \n".join(lines)
