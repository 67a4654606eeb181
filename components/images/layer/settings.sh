# Sourced by RUN steps: what the building machine tells pip and uv (index, wheel folders,
# certificate authorities) holds during the step, and no layer and no history keeps it.
if [ -f /run/secrets/index ]; then set -a && . /run/secrets/index && set +a; fi
if [ -s /run/secrets/authorities ]; then
  export PIP_CERT=/run/secrets/authorities SSL_CERT_FILE=/run/secrets/authorities
fi
