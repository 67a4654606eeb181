#!/usr/bin/env bash
# Run an environment's uv with what the machine tells pip (its index, extra indexes, wheel
# folders, certificate): uv does not read pip's settings by itself.
# usage: requirements/uv.sh ENVIRONMENT ARGUMENTS OF UV...
set -euo pipefail
environment=$1
shift

setting() { # the value that pip uses for one option, from its variables and files
  "$environment/bin/python" -m pip config list 2>/dev/null |
    sed -n "s/^[^=]*\.$1='\(.*\)'\$/\1/p" | tail -n 1
}

as_uv() { # NAME OPTION: export pip's setting under uv's name, unless the user set that
  local value
  value=$(setting "$2")
  if [ -z "${!1:-}" ] && [ -n "$value" ]; then export "$1=$value"; fi
}

as_uv UV_DEFAULT_INDEX index-url
as_uv UV_INDEX extra-index-url
as_uv UV_FIND_LINKS find-links
as_uv SSL_CERT_FILE cert
exec "$environment/bin/uv" "$@"
