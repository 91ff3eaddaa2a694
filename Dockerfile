# Ledger Guard on the official Airflow image: exactly the locked packages, the DAGs, the page and the library.
# Needs the network while it is built, never when it runs.
FROM apache/airflow:3.3.2

# The base image runs as this user; named here so that nothing below is ever installed as root.
USER airflow

# `sync` also removes what the base image ships and the lock does not name, so that the image holds what was tested
# and no provider of the base image meets a version it was not made for.
COPY --chown=airflow:0 requirements.lock /opt/airflow/requirements.lock
RUN uv pip sync --no-cache --compile-bytecode --require-hashes /opt/airflow/requirements.lock

ENV PYTHONPATH=/opt/airflow/include \
    PYTHONDONTWRITEBYTECODE=1 \
    LEDGER_GUARD_POLICY=/opt/airflow/include/policies/ledger_rollout.yaml \
    AIRFLOW__CORE__LOAD_EXAMPLES=False

COPY --chown=airflow:0 include /opt/airflow/include
COPY --chown=airflow:0 plugins /opt/airflow/plugins
COPY --chown=airflow:0 dags /opt/airflow/dags
COPY --chown=airflow:0 config /opt/airflow/config

# Each task is a process of its own: without bytecode it would compile what it imports, every time.
RUN python -m compileall -q /opt/airflow/include /opt/airflow/plugins

# A named volume takes over the owner of the folder that it covers.
RUN mkdir -p /opt/airflow/users /opt/airflow/logs

# Fails the build when the library can't be imported or the policy is wrong.
RUN python -m ledger_guard policy check
