"""What the prediction service and the control API share as servers: uvicorn on httptools, with
limits on what a client may take (`limits`, `connections`, `protocol`), and an end that fails no
request (`server`, `listener`). Uvicorn itself limits neither."""
