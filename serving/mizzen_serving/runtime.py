"""Everything that one service process holds, built and taken down in order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from mizzen.adapters import backends
from mizzen.core.place import Place
from mizzen.ports.data import FeatureSource
from mizzen.ports.prediction_log import PredictionLog
from mizzen_serving.batching import Batcher
from mizzen_serving.contract import Contract, contract_of
from mizzen_serving.decoding import Decoder
from mizzen_serving.metrics import Instruments
from mizzen_serving.model import Model, load_model
from mizzen_serving.options import ServeOptions
from mizzen_serving.predictions import Predictions

_INLINE_SECONDS = 0.005  # a model that takes longer would hold up the event loop


@dataclass(frozen=True, slots=True)
class Engine:
    """A service that is ready to answer."""

    model: Model
    contract: Contract
    decoder: Decoder
    batcher: Batcher
    log: PredictionLog
    instruments: Instruments

    def close(self) -> None:
        """Release threads; make the log durable."""
        self.batcher.close()
        self.log.close()


def start_engine(options: ServeOptions, place: Place) -> Engine:
    """Load, check and warm up. Once it returns, requests are answered.

    Raises:
        IntegrityError: the package is damaged or its model predicts nothing finite.
        TemporaryError: the prediction log takes no records.
    """
    model = load_model(options, place)
    seconds = model.warm_up()
    contract = contract_of(model.project, model.manifest.views, model.encoder)
    log: PredictionLog = backends.load_backend("prediction_log", "segments")(
        place, model.project.serving.log
    )
    log.check()
    instruments = Instruments()
    instruments.show_model(model)
    source = None
    if contract.views:
        source = backends.load_backend("feature_source", place.profile.feature_store.kind)(place)
        _warm_up(source, contract)
    predictions = Predictions(model, contract, log, source, instruments)
    inline = source is None and seconds < _INLINE_SECONDS
    observe = instruments.batch_rows.observe
    batcher = Batcher(predictions.answer, options.queue, inline, observe)
    return Engine(model, contract, Decoder(contract), batcher, log, instruments)


def _warm_up(source: FeatureSource, contract: Contract) -> None:
    """Feature stores load their libraries with the first question: seconds that no request
    should wait. An unknown entity has no values; views that were never applied are told now."""
    nobody = {name: [""] for name, _ in contract.entities}
    source.online(contract.views, nobody, [datetime.now(UTC)])
