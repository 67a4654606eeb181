"""One node: `plan` says what runs with which settings, `netns` and `supervisor` where, `lifecycle`
starts and ends it, `outage` breaks it."""
