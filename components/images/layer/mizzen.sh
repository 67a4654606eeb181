# RUN step of the stage `image`: Mizzen's wheel as the last and thin layer, then the bill of
# materials of all that is installed.
# usage: sh mizzen.sh WHEELS IMAGE
set -eu
here=$(dirname "$0")
python=$(command -v python3)
export UV_NO_CACHE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
/run/tools/bin/uv pip install --quiet --offline --no-index --python "$python" \
  --break-system-packages --no-deps "$1"/*.whl
# uv notes when the wheel was written; the image must not depend on that
site=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
sed -i '/uv_cache.json/d' "$site"/mizzen-*.dist-info/RECORD
rm -f "$site"/mizzen-*.dist-info/uv_cache.json
"$python" "$here/bytecode.py"
mkdir -p /usr/share/mizzen
if [ -f /run/bento/bento.yaml ]; then # an image that serves
  cp -r /run/bento /usr/share/mizzen/bento
  chmod -R a+rX,u+w /usr/share/mizzen/bento
fi
"$python" "$here/bill.py" "$2" >/usr/share/mizzen/sbom.json
rm -f /tmp/uv-*.lock
