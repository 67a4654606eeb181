"""The one loop that makes what follows follow: runs, the champion, windows, alarms, resumptions.

Level-triggered: each round looks at how things are and does what is missing, so that it may be
killed at any moment and started again, here or elsewhere. One leads, by a lease; others wait.
"""
