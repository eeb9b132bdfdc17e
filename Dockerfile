# The whole product in one image: no GPU, no download at run time, not root. Data lives in /data.
FROM python:3.12-slim AS dependencies
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1
RUN pip install uv==0.13.9 && python -m venv --without-pip /opt/tellonce
WORKDIR /src
COPY pyproject.toml requirements.lock ./
# The lock holds the tools of development too: as a constraint it pins what is served and brings nothing else.
RUN --mount=type=cache,target=/root/.cache/uv \
    uv pip install --python /opt/tellonce/bin/python --torch-backend cpu -c requirements.lock -r pyproject.toml

FROM dependencies AS wheel
COPY README.md LICENSE ./
COPY assistant assistant
COPY knowledge knowledge
COPY evals evals
COPY prompts prompts
RUN uv build --wheel --build-constraints requirements.lock --out-dir /wheel

FROM python:3.12-slim
RUN useradd --uid 10001 --shell /usr/sbin/nologin --home-dir /data --no-create-home tellonce \
 && install --directory --mode 700 --owner tellonce --group tellonce /data
# A layer of its own: an update of Tellonce brings only the next one, a small part of this.
COPY --from=dependencies /opt/tellonce /opt/tellonce
ENV PATH=/opt/tellonce/bin:$PATH TELLONCE_DATA_DIR=/data PYTHONUNBUFFERED=1
RUN --mount=type=bind,from=wheel,source=/wheel,target=/wheel \
    --mount=type=bind,from=dependencies,source=/usr/local/bin/uv,target=/usr/local/bin/uv \
    uv pip install --python /opt/tellonce/bin/python --no-cache --no-deps --compile-bytecode /wheel/*.whl \
 && python -c "from knowledge.embedding import prepare_default_model; prepare_default_model()"
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=3s --start-period=15s \
  CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
CMD ["tellonce", "serve", "--host", "0.0.0.0", "--port", "8000"]
