"""Submit, promote, watch, retrain: the verbs behind every front door, and the one owner of
the state.

Front doors open a `Workspace` and pass it to the verbs; nothing here prints or asks.
"""
