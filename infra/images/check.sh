#!/usr/bin/env bash
# Build images without Docker's engine and run something in each: root, buildah and debootstrap do.
#
#   infra/images/check.sh FOLDER [TARGET...]        default: verbs airflow serve
#
# FOLDER keeps the base, a Debian root, and buildah's storage (some 15 GB). pip's own variables,
# PIP_INDEX_URL, PIP_CERT and PIP_FIND_LINKS, reach the build where they are set.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=$(realpath -m "$1"); shift
mkdir -p "$folder/tmp"
export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot TMPDIR="$folder/tmp"

image() { buildah --root "$folder/storage" --runroot "$folder/run" "$@"; }

make_base() {
  debootstrap --variant=minbase --include=ca-certificates bookworm "$folder/bookworm" >&2
  tar -C "$folder/bookworm" -cf "$folder/bookworm.tar" .
  local root
  root=$(image from scratch)
  image add -q "$root" "$folder/bookworm.tar" /
  image commit -q "$root" localhost/bookworm
  image rm "$root"
}

build() {
  local options=(--build-arg BASE=localhost/bookworm)
  if [ -n "${PIP_INDEX_URL:-}" ]; then options+=(--build-arg PIP_INDEX_URL); fi
  if [ -n "${PIP_CERT:-}" ]; then
    options+=(-v "$(realpath "$PIP_CERT"):/ca.crt:ro" --build-arg PIP_CERT=/ca.crt)
  fi
  if [ -d "${PIP_FIND_LINKS:-}" ]; then
    options+=(-v "$PIP_FIND_LINKS:/wheels:ro" --build-arg PIP_FIND_LINKS=/wheels)
  fi
  image bud --format docker --layers=false --pull-never "${options[@]}" \
    -f infra/images/Containerfile --target "$1" -t "localhost/secateur-$1" .
}

# What each image must be able to do, as its own user.
check() {
  local box
  box=$(image from --pull-never "localhost/secateur-$1")
  inside() { image run "$box" -- "$@"; }
  [ "$(inside id -u)" = 10001 ]
  if inside touch /opt/secateur/jobs/x 2>/dev/null; then echo "$1: its code is writable" >&2; exit 1; fi
  case $1 in
    verbs)
      inside java -version
      inside python -c 'import torch, pyspark, great_expectations; print(torch.__version__)'
      inside python /opt/secateur/jobs/train_model.py --help ;;
    airflow)
      inside airflow version
      inside airflow plugins
      inside sh -ec 'airflow db migrate >/dev/null; airflow dags reserialize; airflow dags list'
      inside /opt/secateur/.venv/bin/python /opt/secateur/jobs/clean_events.py --help ;;
    serve) inside python -m secateur.client serve --help ;;
  esac
  image rm "$box" >/dev/null
  echo "$1: built and entered"
}

image inspect --type image localhost/bookworm >/dev/null 2>&1 || make_base
[ $# -gt 0 ] || set -- verbs airflow serve
for target in "$@"; do build "$target"; check "$target"; done
