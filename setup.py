"""Packages the library with `Resources/`, which lies beside it in a checkout and inside it in a wheel."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["ModicGraderLib", "ModicGraderLib.*"]), "ModicGraderLib.Resources"],
    package_dir={"ModicGraderLib.Resources": "Resources"},
    package_data={"ModicGraderLib.Resources": ["**/*"]},
)
