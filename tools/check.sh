#!/usr/bin/env bash
# Every check of the project, what fails fastest first. Arguments go to pytest: `tools/check.sh --slow`.
set -euo pipefail
cd "$(dirname "$0")/.."
python="${PYTHON:-.venv/bin/python}"

step() { printf '\n== %s\n' "$*"; "$@"; }

step "$python" -m ruff check .
step "$python" -m ruff format --check .
step "$python" -m mypy
step "$python" -m pytest --cov=bevseg --cov-report=term:skip-covered --durations=15 "$@"
