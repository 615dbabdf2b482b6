# Trains on an NVIDIA card. The host brings the card's driver (580 or newer, for CUDA 13) and NVIDIA's container toolkit;
# CUDA's libraries come with JAX's packages.
#
#   docker build --tag momentum-jax .
#   docker run --gpus=all --volume="$PWD/runs:/momentum_jax/runs" momentum-jax --experiment=tune2 --num_seeds=1024
FROM python:3.12-slim-bookworm

WORKDIR /momentum_jax
COPY pyproject.toml setup.py README.md LICENSE launch.py ./
COPY momentum_jax momentum_jax
COPY experiments experiments
COPY benchmarks benchmarks
COPY docs/accelerator.md docs/
RUN pip install --no-cache-dir --editable ".[cuda]"

# Runs are written by a user without rights; a folder that is mounted here must belong to it (or use --user).
RUN useradd --create-home --uid 1000 trainer && mkdir runs && chown trainer runs
USER trainer
ENTRYPOINT ["python", "launch.py"]
