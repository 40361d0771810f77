#!/usr/bin/env bash
# Makes the pictures of `bevseg replay` that the README shows, all of one simulated drive, into .github/images.
# Needs Chromium for that of the page. PYTHON is the interpreter of the environment (.venv/bin/python).
set -euo pipefail
cd "$(dirname "$0")/.."
python="${PYTHON:-.venv/bin/python}"
images="$PWD/.github/images"
browser="$(command -v chromium || command -v chromium-browser || command -v google-chrome)"
made="$(mktemp -d)"
trap 'rm -rf "$made"' EXIT
bevseg() { "$python" -m bevseg "$@"; }
small() { "$python" tools/readme_picture.py "$@"; }

bevseg simulate --out "$made/drive" --drive --frames 40 --sensor hdl-64e --seed 11

# What the model sees, each object in the colour of its track.
bevseg replay "$made/drive" --checkpoint bevseg-s --no-truth --output "$made/drive.mp4"
small "$made/drive.mp4" "$images/drive.webp" --width 960 --quality 50

# The same held against the truth: nine frames of it, and the page.
bevseg replay "$made/drive" --checkpoint bevseg-s --sheet "$made/sheet.png"
small "$made/sheet.png" "$images/replay-sheet.jpg" --quality 80
bevseg replay "$made/drive" --checkpoint bevseg-s --view web --output "$made/clip.html"
"$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars --blink-settings=preferredColorScheme=0 \
    --window-size=1400,900 --virtual-time-budget=20000 --run-all-compositor-stages-before-draw \
    --screenshot="$made/page.png" "file://$made/clip.html" 2>/dev/null
small "$made/page.png" "$images/replay.jpg"

# Each kind of failure, made on purpose: one frame of the video, and a tile a kind.
"$python" tools/damaged_predictions.py "$made/drive" "$made/damaged" --sheet "$made/kinds.png"
bevseg replay "$made/drive" --predictions "$made/damaged" --from 20 --to 20 --output "$made/frame"
small "$made/frame/000020.png" "$images/replay-frame.jpg"
small "$made/kinds.png" "$images/replay-kinds.jpg"
