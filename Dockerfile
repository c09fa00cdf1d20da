# syntax=docker/dockerfile:1
# Two targets from one recipe: `cpu` and `cuda`. They differ only in the extras and in where pip finds torch:
# PIP_OPTIONS of the cpu target should name an index with CPU builds of torch, or the image holds unused CUDA libraries.
FROM python:3.12-slim-bookworm AS build
ARG PIP_OPTIONS=""
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY hybrid_embeddings hybrid_embeddings
COPY integrations integrations
COPY rag_demo rag_demo
RUN /opt/venv/bin/pip install --constraint constraints.txt ${PIP_OPTIONS} ".[cpu,offline,rag,web,redis,sql,ann,metrics,jobs]"

FROM python:3.12-slim-bookworm AS base
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONUTF8=1 HOME=/data \
    RAG_DATA_DIR=/data/rag EMBEDDING_MODEL_CACHE_DIR=/data/models
RUN useradd --uid 10001 --home-dir /data --create-home --shell /usr/sbin/nologin app \
    && mkdir -p /data/rag /data/models && chown -R app:app /data
COPY --from=build /opt/venv /opt/venv
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=3m --retries=4 \
    CMD ["python", "-m", "rag_demo.web.probe", "http://127.0.0.1:8000/health/ready"]
ENTRYPOINT ["rag-demo"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]

FROM base AS cpu

FROM base AS cuda
# The driver comes from the host through the NVIDIA container runtime; torch brings the CUDA libraries.
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
