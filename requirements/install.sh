#!/usr/bin/env bash
# Install the pinned requirements and this checkout into an environment, with uv.
# usage: requirements/install.sh ENVIRONMENT REQUIREMENTS [uv options...]
set -euo pipefail
environment=$1 requirements=$2
shift 2

uv() {
  "$(dirname "$0")/uv.sh" "$environment" "$@"
}

# Compiled once here, or every process would compile the heavy libraries for itself.
uv pip install --quiet --compile-bytecode --python "$environment/bin/python" \
  "$@" -r "$requirements"
uv pip install --quiet --python "$environment/bin/python" --no-deps --editable .
