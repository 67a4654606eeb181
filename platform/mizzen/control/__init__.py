"""Submit, promote, watch, retrain: the verbs behind every front door, and the one writer of
`mizzen.state`.

Front doors open a `Workspace` and pass it to the verbs; nothing here prints or asks.
"""
