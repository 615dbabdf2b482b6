"""What pyproject.toml cannot say: experiments/ is momentum_jax.experiments in the wheel, not a package of its own."""

from setuptools import find_packages, setup

package = find_packages(include=["momentum_jax", "momentum_jax.*"])
experiments = [f"momentum_jax.{name}" for name in find_packages(include=["experiments", "experiments.*"])]
setup(packages=package + experiments, package_dir={"momentum_jax.experiments": "experiments"})
