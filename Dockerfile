# nambat as a service: docker run -v nambat:/data -p 127.0.0.1:4200:4200 -p 127.0.0.1:4280:4280 nambat
# Scans go into /data/inbox, clean text comes out at /data/published, the UI is at http://127.0.0.1:4200,
# the review page at http://127.0.0.1:4280.
#
# The base is named by its tag, which gets Python's and Debian's security updates. To build the very same image again,
# give it by digest: docker build --build-arg BASE=python@sha256:... (docs/security.md tells what is pinned).
ARG BASE=python:3.11-slim-bookworm
FROM ${BASE}

# What is read depends on Tesseract and its data, so their versions are pinned; poppler gets its security updates.
RUN apt-get update \
    && apt-get install -y --no-install-recommends 'tesseract-ocr=5.3.0-2*' 'tesseract-ocr-vie=1:4.1.0-2*' poppler-utils \
        tini \
    && rm -rf /var/lib/apt/lists/*

# What changes least comes first, so that a change to the code does not install everything anew.
# For several machines (compose.yaml): docker build --build-arg LOCK=requirements-cluster.lock
ARG LOCK=requirements.lock
WORKDIR /opt/nambat
COPY ${LOCK} ./
RUN pip install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes -r ${LOCK}

COPY pyproject.toml README.md LICENSE ./
COPY ocr ocr
COPY normalize normalize
COPY flows flows
RUN pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation . \
    && python -c "import prefect.server.api.server, flows.ingest" \
    && useradd --create-home --uid 1000 nambat \
    && install -d -m 700 -o nambat -g nambat /data
COPY deploy/with-secrets /usr/local/bin/

USER nambat
# Inside a container the server must listen on all addresses for a published port to reach it. Publish the port on
# 127.0.0.1 only, or set PREFECT_SERVER_API_AUTH_STRING to user:password and NAMBAT_NO_PASSWORD to false.
ENV NAMBAT_HOME=/data \
    NAMBAT_HOST=0.0.0.0 \
    NAMBAT_NO_PASSWORD=true \
    NAMBAT_PORT=4200 \
    PYTHONSAFEPATH=1 \
    PYTHONUNBUFFERED=1
VOLUME /data
WORKDIR /data
EXPOSE 4200 4280
STOPSIGNAL SIGTERM

# The service itself answers (docs/intake.md, "Is it well?"); what was found shows in `docker inspect`.
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s --retries=3 \
    CMD ["python", "-I", "-c", "import os, sys, urllib.request as r, urllib.error as e\ntry: a = r.urlopen(f\"http://127.0.0.1:{os.environ['NAMBAT_PORT']}/nambat/health\", timeout=9)\nexcept e.HTTPError as fault: a = fault\nprint(a.read().decode()); sys.exit(a.status != 200)"]

# Programs whose reader was killed are adopted by process 1, which must take note of their end.
ENTRYPOINT ["tini", "--", "nambat"]
CMD ["serve"]
