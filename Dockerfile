# The whole product in one image: no GPU, no download at run time, not root. Data lives in /data.
FROM python:3.12-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 UV_LINK_MODE=copy
RUN pip install uv==0.13.9 && python -m venv /opt/tellonce
WORKDIR /src
COPY pyproject.toml requirements.lock README.md LICENSE ./
RUN --mount=type=cache,target=/root/.cache/uv \
    uv pip install --python /opt/tellonce/bin/python --torch-backend cpu -r requirements.lock torch==2.13.0
COPY assistant assistant
COPY knowledge knowledge
COPY evals evals
COPY prompts prompts
RUN uv pip install --python /opt/tellonce/bin/python --no-deps --no-build-isolation . \
 && /opt/tellonce/bin/python -c "from knowledge.embedding import prepare_default_model; prepare_default_model()"

FROM python:3.12-slim
RUN useradd --uid 10001 --shell /usr/sbin/nologin --home-dir /data --create-home tellonce
COPY --from=build /opt/tellonce /opt/tellonce
ENV PATH=/opt/tellonce/bin:$PATH TELLONCE_DATA_DIR=/data PYTHONUNBUFFERED=1
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=3s --start-period=15s \
  CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
CMD ["tellonce", "serve", "--host", "0.0.0.0", "--port", "8000"]
