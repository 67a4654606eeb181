"""Keeps one core busy in a pod of the tests, for the autoscaler to see."""

while True:
    pass
