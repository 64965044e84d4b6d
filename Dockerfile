# The environment of `make repro` and `make test`; data stay outside: mount the clone.
#   docker build --tag graphmer .
#   docker run --rm --volume "$PWD":/work graphmer make repro
FROM python:3.11-slim

# git: DVC and npm sources; npm: packages of the full corpus and the report's libraries; g++: PyTorch compiles on request.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ git make npm \
    && rm -rf /var/lib/apt/lists/*

# As the user that owns the mounted clone, 1000 unless told otherwise: what a run writes is then that user's.
ARG UID=1000
RUN useradd --uid "$UID" --create-home graphmer \
    && install --directory --owner graphmer /work
USER graphmer
WORKDIR /work
ENV PIP_NO_CACHE_DIR=1
CMD ["make", "help"]
