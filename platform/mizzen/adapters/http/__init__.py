"""Requests to other servers: the one client, on the standard library, and how often it asks again.

Nothing here is imported before something is asked. See ADR 0034 for why it is not httpx.
"""
