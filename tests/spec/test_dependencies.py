"""What a project may say about the packages that its own code imports."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mizzen.errors import InvalidProject
from mizzen.spec import load_project
from mizzen.spec.requirements import applying

Write = Callable[[str], Path]


def test_dependencies_are_requirements_sorted_by_name(
    write_project: Write, project_text: str
) -> None:
    text = project_text + 'dependencies: ["xgboost >=2,<3", Shap, "a-b[c]==1.*"]\n'
    found = load_project(write_project(text)).dependencies
    assert found == ("a-b[c]==1.*", "Shap", "xgboost<3,>=2")
    assert load_project(write_project(project_text)).dependencies == ()


def test_a_requirements_file_is_part_of_the_description(
    write_project: Write, project_text: str
) -> None:
    folder = write_project(project_text + "dependencies: env/requirements.txt\n")
    (folder / "env").mkdir()
    lines = "# the trainer's\nxgboost>=2  # trees\n\nshap\n"
    (folder / "env" / "requirements.txt").write_text(lines)
    assert load_project(folder).dependencies == ("shap", "xgboost>=2")


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("pip @ https://example.org/pip.whl", "names an address or a path"),
        ("git+https://example.org/x", "names an address or a path"),
        ("./local.whl", "names an address or a path"),
        ("../up", "names an address or a path"),
        ("--index-url x", "is an option of pip; whoever installs decides where from"),
        ("-r more.txt", "is an option of pip"),
        ("-e .", "is an option of pip"),
        ("xgboost>>2", "is no requirement"),
        ("xgboost --hash=sha256:0", "is no requirement"),
        ("mizzen>=1", "mizzen is what runs the project"),
    ],
)
def test_what_is_no_requirement_is_refused_with_its_reason(
    write_project: Write, project_text: str, wanted: str, said: str
) -> None:
    folder = write_project(project_text + f'dependencies: ["{wanted}"]\n')
    with pytest.raises(InvalidProject, match=r"mizzen.yaml:25: dependencies.0: ") as caught:
        load_project(folder)
    assert said in str(caught.value)
    write_project(project_text + "dependencies: needs.txt\n")
    (folder / "needs.txt").write_text(f"# ours\n{wanted}\n")
    with pytest.raises(InvalidProject, match=r"needs.txt:2: ") as caught:
        load_project(folder)
    assert said in str(caught.value)


@pytest.mark.parametrize("name", ["absent.txt", "../elsewhere.txt", "/etc/hostname", "data"])
def test_a_requirements_file_lies_in_the_project(
    write_project: Write, project_text: str, name: str
) -> None:
    folder = write_project(project_text + f"dependencies: {name}\n")
    (folder / "data").mkdir()
    (folder.parent / "elsewhere.txt").write_text("shap\n")
    with pytest.raises(InvalidProject, match=rf"dependencies: no file {name} in the project"):
        load_project(folder)


def test_a_package_is_named_once(write_project: Write, project_text: str) -> None:
    with pytest.raises(InvalidProject, match=r"a-b is named twice"):
        load_project(write_project(project_text + "dependencies: [a_b, 'A.B>2']\n"))


def test_a_marker_decides_whether_a_dependency_counts_here() -> None:
    assert applying(['old; python_version<"3"', "new"]) == ["new"]
