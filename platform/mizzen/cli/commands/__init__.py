"""One module a command (or group of commands); `mizzen.cli.app` loads the one that is named."""
