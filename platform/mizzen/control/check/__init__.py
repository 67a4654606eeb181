"""`mizzen check`: everything about a project that can be told before anything runs."""

from mizzen.control.check.checks import check
from mizzen.control.check.finding import Finding
from mizzen.control.check.images import check_images

__all__ = ["Finding", "check", "check_images"]
