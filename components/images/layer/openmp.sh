# Part of libraries.sh: GNU's OpenMP library, which LightGBM links to and slim base images lack.
set -eu
if ldconfig -p | grep -q 'libgomp\.so\.1'; then exit 0; fi
if ! command -v apt-get >/dev/null; then
  echo "the base image has no libgomp.so.1 and no apt-get; take one that has libgomp" >&2
  exit 1
fi
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends libgomp1 >/dev/null
# what they leave tells the hour
rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log /var/cache/ldconfig/aux-cache \
  /var/cache/apt/*.bin
