#!/usr/bin/env bash
# Set up this checkout: .venv for the pipeline, .venv-client with the client's dependencies alone,
# and Java for Spark, with an archive of Spark's classes. Does nothing where all is as
# requirements.txt and infra/torch/ ask.
# Afterwards .venv/bin/secateur runs from any folder, the scenario commands too.
#
#   SECATEUR_TORCH=cpu|cuda   the build of torch (default: cuda where nvidia-smi answers, else cpu)
set -euo pipefail
cd "$(dirname "$0")/.."

UV=0.13.9
NEEDED_MB=6000

say() { printf 'set-up: %s\n' "$*"; }
fail() { printf 'set-up failed: %s\n' "$*" >&2; exit 1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else return 1
  fi
}

apt_install() {
  command -v apt-get >/dev/null || fail "please install $* (no apt-get here)"
  say "installing $* by apt"
  { as_root apt-get update -q && as_root env DEBIAN_FRONTEND=noninteractive \
      apt-get install -qy --no-install-recommends "$@"; } >/dev/null 2>&1 \
    || fail "please install $*: neither root nor sudo worked"
}

find_python() {
  local python
  for python in python3.11 python3; do
    if "$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
      command -v "$python"; return
    fi
  done
  return 1
}

java_is_new_enough() {
  local version
  version=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p') && [ "${version:-0}" -ge 17 ]
}

torch_build() {
  if [ -n "${SECATEUR_TORCH:-}" ]; then echo "$SECATEUR_TORCH"
  elif nvidia-smi >/dev/null 2>&1; then echo cuda
  else echo cpu
  fi
}

install() { .venv/bin/uv pip install -q --compile-bytecode "$@"; }

install_torch() {
  if [ "$1" = cuda ]; then install --require-hashes -r infra/torch/cuda.txt; return; fi
  # pip's own configuration may name a folder with a CPU wheel, which uv does not read.
  local links
  links=$(.venv/bin/pip config get global.find-links 2>/dev/null || true)
  if [ -n "$links" ] && install --no-deps --require-hashes --find-links "$links" -r infra/torch/cpu.txt 2>/dev/null; then
    return
  fi
  install --no-deps --require-hashes --torch-backend cpu -r infra/torch/cpu.txt \
    || fail "no CPU build of torch is within reach; SECATEUR_TORCH=cuda takes the registry's CUDA build (about 3 GB)"
}

install_pipeline() {
  local python
  python=$(find_python) || { apt_install python3.11 python3.11-venv; python=$(find_python); } \
    || fail "please install Python 3.11"
  [ "$(df -Pm . | awk 'NR==2 {print $4}')" -ge $NEEDED_MB ] || fail "needs $NEEDED_MB MB of free disk here"
  "$python" -m venv --clear .venv 2>/dev/null || { apt_install python3.11-venv; "$python" -m venv --clear .venv; }
  say "installing $(grep -c '==' requirements.txt) packages into .venv, torch for $1"
  .venv/bin/pip install -q "uv==$UV"
  install --require-hashes -r requirements.txt
  install_torch "$1"
}

# The lock has hashes and this checkout none, so it is installed by itself, and brings nothing.
install_command() {
  say "installing the command .venv/bin/secateur"
  install --no-deps --no-build-isolation --editable .
  rm -rf build jobs/*.egg-info
}

install_client() {
  say "installing the client into .venv-client"
  .venv/bin/uv venv -q --clear --python .venv/bin/python .venv-client
  .venv/bin/uv pip install -q --compile-bytecode --python .venv-client/bin/python \
    --build-constraints requirements.txt --constraints requirements.txt .
  rm -rf build jobs/*.egg-info
}

# Spark starts without it, too, but takes twice the processor's seconds.
share_classes() {
  say "archiving Spark's classes for Java"
  .venv/bin/python infra/share_classes.py >/dev/null 2>&1 || say "Spark's classes are not shared: it starts slowly"
}

stamp_of() { cat "$@" infra/bootstrap.sh | sha256sum | cut -d' ' -f1; }
is_current() { [ "$(cat "$1" 2>/dev/null)" = "$2" ]; }

java_is_new_enough || apt_install openjdk-17-jre-headless
java_is_new_enough || fail "please install Java 17 or newer"

build=$(torch_build)
pipeline=$(stamp_of requirements.txt "infra/torch/$build.txt")
is_current .venv/.stamp "$pipeline" || { install_pipeline "$build"; echo "$pipeline" > .venv/.stamp; }

command=$(stamp_of pyproject.toml)
is_current .venv/.command-stamp "$command" \
  || { install_command; echo "$command" > .venv/.command-stamp; }

classes=$({ java -version; cat requirements.txt infra/share_classes.py; } 2>&1 | sha256sum | cut -d' ' -f1)
is_current .venv/.classes-stamp "$classes" || { share_classes; echo "$classes" > .venv/.classes-stamp; }

mapfile -t sources < <(find jobs/secateur pyproject.toml -type f ! -name '*.pyc' | sort)
client=$(stamp_of requirements.txt "${sources[@]}")
is_current .venv-client/.stamp "$client" || { install_client; echo "$client" > .venv-client/.stamp; }
