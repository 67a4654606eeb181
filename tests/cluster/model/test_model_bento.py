"""What answers in the chart's pods is the Bento of the image, and BentoML's own client knows it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from scenario.inside import python_in
from scenario.modelstage import MODEL, ROW, ModelStage
from scenario.release import Release
from testnode.eventually import eventually

BENTO = "/usr/share/mizzen/bento"
WRITE = f"""
import os
try:
    open('{BENTO}/src/service.py', 'a')
except PermissionError:
    print("refused")
print(bool(os.statvfs('{BENTO}').f_flag & os.ST_RDONLY))
"""
# a second server in the pod, BentoML's own, on the same folder and the same package
SERVE = f"""
import json, os, subprocess, sys, time, urllib.request
told = json.dumps({{"package": "/var/lib/package/package", "version": 1}})
own = {{"MIZZEN_SERVING": told, "MIZZEN_HOME": "/tmp/second"}}
around = {{k: v for k, v in os.environ.items() if k != "MIZZEN_PLACE"}}
command = [sys.executable, "-m", "bentoml", "serve", {BENTO!r}, "--port", "3999"]
server = subprocess.Popen(command, env={{**around, **own}}, stdout=sys.stderr)
try:
    for _ in range(240):
        try:
            urllib.request.urlopen("http://127.0.0.1:3999/readyz", timeout=5)
            break
        except OSError:
            assert server.poll() is None
            time.sleep(0.5)
    ask = urllib.request.Request(
        "http://127.0.0.1:3999/predict",
        json.dumps({ROW!r}).encode(),
        {{"content-type": "application/json"}},
    )
    print(urllib.request.urlopen(ask, timeout=30).read().decode())
finally:
    server.terminate()
    server.wait()
"""


@pytest.fixture
def served(stage: ModelStage, release: Release) -> ModelStage:
    release.install(stage.values())
    eventually(lambda: stage.request().once())
    return stage


def test_bentomls_client_is_answered_by_the_bento_of_the_image(served: ModelStage) -> None:
    import bentoml

    deployment = served.kubectl.get(
        "deployment", f"{MODEL}-stable", "--namespace", served.namespace
    )
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert f"--bento={BENTO}" in container["args"]
    host, port = served.address
    with bentoml.SyncHTTPClient(f"http://{host}:{port}/{MODEL}") as client:
        told = client.predict(rows=[ROW])
        assert (told["model"], told["version"], len(told["predictions"])) == (MODEL, 1, 1)
        # typed by the version that was fetched, though the image knows none
        with pytest.raises(bentoml.exceptions.BentoMLException, match="glucoze"):
            client.predict(rows=[{**ROW, "glucoze": 1}])


def test_bentoml_serve_answers_the_same_from_the_bento_that_no_pod_can_change(
    served: ModelStage,
) -> None:
    pod = (served.kubectl, f"deployment/{MODEL}-stable", served.namespace)
    assert python_in(*pod, WRITE).split() == ["refused", "True"]
    told = json.loads(python_in(*pod, SERVE))
    ours = replace(served.request(), read=lambda body: json.dumps(json.loads(body)["output"]))
    assert (told["version"], told["output"]) == (1, json.loads(ours.once()))
