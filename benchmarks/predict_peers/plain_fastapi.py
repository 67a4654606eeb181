"""An ordinary FastAPI service. Its handler is a coroutine, which is faster here than a plain
function: that would go through the thread pool."""

from fastapi import FastAPI
from shared import Model, Output, row_model

Row = row_model()
app = FastAPI()
model = Model()


@app.post("/predict")
async def predict(row: Row) -> Output:  # type: ignore[valid-type]
    return model.predict(row)
