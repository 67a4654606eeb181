"""What users write: `mizzen.yaml` and `profiles/<name>.yaml`, as pydantic models."""

from mizzen.spec.load import load_profile, load_project
from mizzen.spec.profile import Profile
from mizzen.spec.project import ProjectSpec

__all__ = ["Profile", "ProjectSpec", "load_profile", "load_project"]
