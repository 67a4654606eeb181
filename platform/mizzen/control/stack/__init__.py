"""What `mizzen up` starts on this machine: the tracking page and the champion's service."""
