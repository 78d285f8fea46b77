# docker build -f deploy/docker/cpu.Dockerfile -t facezoo:cpu .
# PIP_EXTRA_INDEX_URL: an index with CPU wheels of torch; without it pip takes the larger CUDA wheel, which also runs on
# a CPU.
FROM python:3.11-slim
ARG PIP_EXTRA_INDEX_URL=
ENV PIP_NO_CACHE_DIR=1 PYTHONUNBUFFERED=1
WORKDIR /opt/facezoo
COPY setup.py pyproject.toml constraints.txt README.md ./
COPY facezoo facezoo
COPY backends backends
COPY zoo_configs zoo_configs
COPY weights_index weights_index
RUN pip install --constraint constraints.txt ".[torch,paddle,parquet,report,ray]"
COPY deploy deploy
WORKDIR /work
ENTRYPOINT ["facezoo"]
