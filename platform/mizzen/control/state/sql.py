"""The state in process, over a database. Each subject is loaded when it is first asked for."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from mizzen.control.state.database import Database

if TYPE_CHECKING:
    from mizzen.control.state.bundles import SqlBundles
    from mizzen.control.state.chapters import SqlChapters
    from mizzen.control.state.models import SqlModels
    from mizzen.control.state.projects import SqlProjects
    from mizzen.control.state.records import About
    from mizzen.control.state.runs import SqlRuns
    from mizzen.control.state.watching import SqlWatching


class SqlState:
    """See `verbs.State`."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @cached_property
    def projects(self) -> SqlProjects:
        """See `verbs.State`."""
        from mizzen.control.state.projects import SqlProjects

        return SqlProjects(self.database)

    @cached_property
    def runs(self) -> SqlRuns:
        """See `verbs.State`."""
        from mizzen.control.state.runs import SqlRuns

        return SqlRuns(self.database)

    @cached_property
    def models(self) -> SqlModels:
        """See `verbs.State`."""
        from mizzen.control.state.models import SqlModels

        return SqlModels(self.database)

    @cached_property
    def watching(self) -> SqlWatching:
        """See `verbs.State`."""
        from mizzen.control.state.watching import SqlWatching

        return SqlWatching(self.database)

    @cached_property
    def chapters(self) -> SqlChapters:
        """See `verbs.State`."""
        from mizzen.control.state.chapters import SqlChapters

        return SqlChapters(self.database)

    @cached_property
    def bundles(self) -> SqlBundles:
        """See `verbs.State`."""
        from mizzen.control.state.bundles import SqlBundles

        return SqlBundles(self.database)

    def about(self) -> About:
        """See `verbs.State`."""
        from mizzen import __version__
        from mizzen.control.state.records import About

        return About(__version__, self.database.check())
