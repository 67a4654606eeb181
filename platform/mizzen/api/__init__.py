"""The control API: the state of a cluster over HTTP, for command lines, notebooks and jobs.

`python -m mizzen.api` starts it. It answers with the same `SqlState` that a laptop uses in
process; `mizzen.state.remote` is its client.
"""
