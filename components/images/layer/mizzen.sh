# RUN step of the stage `image`: Mizzen's wheel as the last and thin layer, then the bill of
# materials of all that is installed.
# usage: sh mizzen.sh WHEELS IMAGE
set -eu
here=$(dirname "$0")
python=$(command -v python3)
export UV_NO_CACHE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
/run/tools/bin/uv pip install --quiet --offline --no-index --python "$python" \
  --break-system-packages --no-deps "$1"/*.whl
"$python" "$here/bytecode.py"
mkdir -p /usr/share/mizzen
"$python" "$here/bill.py" "$2" >/usr/share/mizzen/sbom.json
