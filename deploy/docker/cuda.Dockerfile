# docker build -f deploy/docker/cuda.Dockerfile --build-arg BACKEND=torch -t facezoo:torch-cuda .
# docker build -f deploy/docker/cuda.Dockerfile --build-arg BACKEND=paddle-gpu -t facezoo:paddle-cuda .
# One image for each backend, because the wheels of the two bring different CUDA libraries. The host needs the NVIDIA
# driver and its container toolkit. PIP_EXTRA_INDEX_URL: the index with the CUDA wheels of paddlepaddle-gpu.
FROM python:3.11-slim
ARG BACKEND=torch
ARG PIP_EXTRA_INDEX_URL=
ENV PIP_NO_CACHE_DIR=1 PYTHONUNBUFFERED=1 NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
WORKDIR /opt/facezoo
COPY setup.py pyproject.toml constraints.txt README.md ./
COPY facezoo facezoo
COPY backends backends
COPY zoo_configs zoo_configs
COPY weights_index weights_index
RUN pip install --constraint constraints.txt ".[${BACKEND},parquet,report,ray]"
COPY deploy deploy
WORKDIR /work
ENTRYPOINT ["facezoo"]
