"""The state in process, over a database. Each subject is loaded when it is first asked for."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from mizzen.state.author import Author
from mizzen.state.database import Database

if TYPE_CHECKING:
    from mizzen.state.bundles import SqlBundles
    from mizzen.state.demo_steps import SqlChapters
    from mizzen.state.leases import SqlLeases
    from mizzen.state.models import SqlModels
    from mizzen.state.monitoring import SqlMonitoring
    from mizzen.state.projects import SqlProjects
    from mizzen.state.records import About
    from mizzen.state.runs import SqlRuns
    from mizzen.state.triggers import SqlTriggers


class SqlState:
    """See `interface.State`."""

    def __init__(self, database: Database, author: Author | None = None) -> None:
        self.database, self._author = database, author or Author()

    def signed_by(self, account: str) -> SqlState:
        """The same state, which keeps this name as the author of what is written."""
        return SqlState(self.database, replace(self._author, account=account))

    @cached_property
    def projects(self) -> SqlProjects:
        """See `interface.State`."""
        from mizzen.state.projects import SqlProjects

        return SqlProjects(self.database)

    @cached_property
    def runs(self) -> SqlRuns:
        """See `interface.State`."""
        from mizzen.state.runs import SqlRuns

        return SqlRuns(self.database)

    @cached_property
    def leases(self) -> SqlLeases:
        """See `interface.State`."""
        from mizzen.state.leases import SqlLeases

        return SqlLeases(self.database)

    @cached_property
    def models(self) -> SqlModels:
        """See `interface.State`."""
        from mizzen.state.models import SqlModels

        return SqlModels(self.database, self._author)

    @cached_property
    def monitoring(self) -> SqlMonitoring:
        """See `interface.State`."""
        from mizzen.state.monitoring import SqlMonitoring

        return SqlMonitoring(self.database, self._author)

    @cached_property
    def triggers(self) -> SqlTriggers:
        """See `interface.State`."""
        from mizzen.state.triggers import SqlTriggers

        return SqlTriggers(self.database, self._author)

    @cached_property
    def chapters(self) -> SqlChapters:
        """See `interface.State`."""
        from mizzen.state.demo_steps import SqlChapters

        return SqlChapters(self.database)

    @cached_property
    def bundles(self) -> SqlBundles:
        """See `interface.State`."""
        from mizzen.state.bundles import SqlBundles

        return SqlBundles(self.database)

    def about(self) -> About:
        """See `interface.State`."""
        from mizzen import __version__
        from mizzen.state.records import About

        return About(__version__, self.database.check())
