# The service, without the embedded servers and the tools of development.
FROM python:3.13-slim-trixie AS build
WORKDIR /src
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
COPY deploy/requirements-build.lock deploy/requirements-run.lock deploy/
RUN pip install --quiet --require-hashes -r deploy/requirements-build.lock \
    && python -m venv /opt/threshold \
    && /opt/threshold/bin/pip install --quiet --require-hashes -r deploy/requirements-run.lock
COPY . .
RUN pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /tmp/wheel . \
    && /opt/threshold/bin/pip install --quiet --no-deps /tmp/wheel/*.whl

FROM python:3.13-slim-trixie
# The number of Mosquitto's user in its image: the broker reads what the service writes into trust.
RUN groupadd --gid 1883 threshold \
    && useradd --uid 1883 --gid 1883 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin threshold \
    && install --directory --owner=1883 --group=1883 --mode=0700 /mosquitto/authority /mosquitto/trust
COPY --from=build /opt/threshold /opt/threshold
ENV PATH=/opt/threshold/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 1883:1883
EXPOSE 8470
ENTRYPOINT ["threshold"]
CMD ["run"]
