"""What a pod sees and can do: many doors are open to pods only."""

from __future__ import annotations

from testnode.kubectl import Kubectl

PAGE = """\
import sys, urllib.request
print(urllib.request.urlopen(sys.argv[1], timeout=float(sys.argv[2])).read().decode())
"""


def python_in(
    kubectl: Kubectl, pod: str, namespace: str, program: str, *words: str, container: str = ""
) -> str:
    """Run a program in a pod (`web`) or the first one of a workload (`deployment/web`); what it
    printed.

    Raises:
        ClusterError: it ended with an error; the text ends with its last lines.
    """
    chosen = [f"--container={container}"] if container else []
    where = ("exec", pod, "--namespace", namespace, *chosen)
    return kubectl.run(*where, "--", "python3", "-c", program, *words).strip()


def page_in(
    kubectl: Kubectl, pod: str, namespace: str, url: str, container: str = "", within_s: float = 5
) -> str:
    """A page as the pod sees it.

    Raises:
        ClusterError: there was none in time, or its status is an error's.
    """
    words = (url, str(within_s))
    return python_in(kubectl, pod, namespace, PAGE, *words, container=container)
