"""The BentoML service: `ServingApp` mounted with `bentoml.asgi_app`.

`server` runs it in its own process; a packed Bento names the `svc` of the module that `package`
writes. BentoML's own usage reporting is switched off before it is imported.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mizzen.core.place import Place
from mizzen_serving.app import Receive, Scope, Send, ServingApp
from mizzen_serving.endpoints import labels_method, predict_method
from mizzen_serving.openapi import Document
from mizzen_serving.options import ServeOptions

os.environ["BENTOML_DO_NOT_TRACK"] = "True"
if TYPE_CHECKING:
    from bentoml import Service

_COLLECT_AFTER = 100_000  # allocations; the default of 700 gave a p99 ten times as long
Start = Callable[[], tuple[ServeOptions, Place]]


def make_service(
    name: str, app: ServingApp, start: Start, description: Document | None = None
) -> Service[Any]:
    """A BentoML service whose model is loaded when a worker starts it, not on import.

    Args:
        start: called by the worker; says what to serve and where.
        description: the OpenAPI document of the model, from which BentoML's clients know the
            types of `predict` and `labels`; None where the model is not known before the start.
    """
    import bentoml

    class Predictions:
        """Answers with one model version."""

        predict = predict_method(app, description)
        labels = labels_method(app, description)

        def __init__(self) -> None:
            if not app.started:
                app.start(*start())
            _settle_memory()

        @bentoml.on_shutdown  # type: ignore[untyped-decorator]
        def stop(self) -> None:
            app.stop()

    mounted = bentoml.asgi_app(app)(Predictions)
    decorate = bentoml.service(name=name, workers=1, service_class=_direct_service(app))
    return decorate(mounted)


def _settle_memory() -> None:
    """What is loaded now lives as long as the process: the collector need not visit it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, 20, 100)


def _direct_service(app: ServingApp) -> type[Service[Any]]:
    """BentoML's routes for health, readiness and metrics come before a mounted application's,
    and know neither the model nor the log; its middleware costs more than our whole answer.
    So the application's own paths go straight to it, and everything else through BentoML."""
    from bentoml import Service

    class DirectService(Service[Any]):  # type: ignore[misc]  # bentoml exports it lazily
        application = app

        def to_asgi(self, is_main: bool = True) -> Any:
            around = super().to_asgi(is_main=is_main)
            paths = app.paths

            async def route(scope: Scope, receive: Receive, send: Send) -> None:
                own = scope["type"] == "http" and (scope["path"] in paths or not app.admits(scope))
                await (app if own else around)(scope, receive, send)

            return route

    return DirectService
