"""Plans executed on this machine, each step in a process of its own.

Processes of a run, parent to child: the runner (whoever called `execute`), a subreaper, a warm
zygote, one worker for each running step, and whatever the step starts. The subreaper outlives
the runner by milliseconds: when the runner is gone, however it went, it stops everything below
itself, processes in sessions of their own included.
"""
