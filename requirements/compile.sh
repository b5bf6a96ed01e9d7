#!/bin/sh
# Compiles every .in file to hash-pinned requirements. Pins that still fit are kept; give
# --upgrade (or --upgrade-package NAME) to move them. Needs uv on PATH, or its path in $UV.
set -eu
cd "$(dirname "$0")/.."
tools=include/compline/tools/requirements

compile() { # compile NAME.txt SOURCE...
    output=$1
    shift
    # No header and no index address: neither a host nor a path of this machine is committed.
    "${UV:-uv}" pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url \
        --no-annotate --no-header --output-file "$output" $options "$@"
}

options=$*
for name in bandit semgrep pip-audit trivy modelaudit picklescan model-signing sslyze schemathesis; do
    compile "$tools/$name.txt" "$tools/$name.in"
done
compile requirements/bootstrap.txt requirements/bootstrap.in
compile requirements/compline.txt requirements/compline.in pyproject.toml
# The same pins as above wherever both need a package, so that tests run what is shipped.
for name in distributed dev; do
    compile "requirements/$name.txt" "requirements/$name.in" pyproject.toml \
        --constraints requirements/compline.txt
done
compile requirements/airflow-fab.txt requirements/airflow-fab.in \
    --constraints requirements/compline.txt
compile requirements/mlflow.txt requirements/mlflow.in
