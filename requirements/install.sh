#!/usr/bin/env bash
# Install the pinned requirements and this checkout into an environment, with uv.
# What the machine tells pip (its index, extra indexes, wheel folders, certificate) holds for
# uv too: uv does not read pip's settings by itself.
# usage: requirements/install.sh ENVIRONMENT REQUIREMENTS [uv options...]
set -euo pipefail
environment=$1 requirements=$2
shift 2

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
# Compiled once here, or every process would compile the heavy libraries for itself.
"$environment/bin/uv" pip install --quiet --compile-bytecode --python "$environment/bin/python" \
  "$@" -r "$requirements"
"$environment/bin/uv" pip install --quiet --python "$environment/bin/python" --no-deps --editable .
