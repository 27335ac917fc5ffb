"""What one run may still change: which owners' parts nobody changed since it began to look.

Apart from apply.py because whoever looks makes claims before it looks. Nothing is locked or
changed here but the count of changes.
"""

from __future__ import annotations

from mautrix.types import UserID

from ..topology.current_routes import CurrentRoutes


class Claims:
    """Which owners' parts one run may still change: those that nobody changed since it began to
    look.

    Runs look at Matrix side by side and wait for nobody. Where two of them, or a run and a
    command, come to the same owner, what was seen first no longer counts. Nothing is locked.
    """

    def __init__(self, routes: CurrentRoutes) -> None:
        """
        Args:
            routes: count the changes; make the claims before looking at Matrix.
        """
        self.routes = routes
        self._looked_at = routes.changes
        self._renewed: dict[UserID, int] = {}

    def hold(self, owner: UserID) -> bool:
        """Whether nobody but this run changed anything of this owner's since it looked."""
        since = self._renewed.get(owner, self._looked_at)
        return not self.routes.touched_since(since, owner)

    def renew(self, owner: UserID) -> None:
        """Say that this run changes something of this owner's: from now on, no run counts that
        looked before."""
        self._renewed[owner] = self.routes.touch(owner)
