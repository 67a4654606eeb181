# RUN step of the stage `libraries`: installs a pinned list, so that nothing but what is in it is
# added to the image. uv is mounted for the step and stays in no layer.
# usage: sh libraries.sh REQUIREMENTS
set -eu
here=$(dirname "$0")
. "$here/settings.sh"
python=$(command -v python3)
export UV_CACHE_DIR=/var/cache/mizzen-uv UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
if [ ! -d "$UV_CACHE_DIR" ]; then # no cache is mounted: what is unpacked is moved into place
  export UV_CACHE_DIR=/usr/local/mizzen-uv UV_LINK_MODE=hardlink
fi
sh "$here/openmp.sh"
uv="/run/tools/bin/uv pip"
$uv install --quiet --python "$python" --break-system-packages --no-deps -r "$1"
$uv check --quiet --python "$python"
"$python" "$here/without_installers.py" "$1"
"$python" "$here/bytecode.py"
rm -rf /tmp/uv-*.lock /usr/local/mizzen-uv
