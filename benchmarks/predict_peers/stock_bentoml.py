"""An ordinary BentoML service with pydantic input, as its documentation shows."""

import bentoml
from shared import Model, Output, row_model

Row = row_model()


@bentoml.service(workers=1)
class Stock:
    def __init__(self) -> None:
        self.model = Model()

    @bentoml.api
    def predict(self, row: Row) -> Output:  # type: ignore[valid-type]
        return self.model.predict(row)
