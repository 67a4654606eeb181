"""`mizzen demo`: a project's script of steps, told as it runs."""
