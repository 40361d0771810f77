#!/usr/bin/env bash
# Makes the pictures that the READMEs show, of one simulated drive and 40 simulated frames, into .github/images.
# Needs Chromium for those of pages. PYTHON is the interpreter of the environment (.venv/bin/python).
set -euo pipefail
cd "$(dirname "$0")/.."
python="${PYTHON:-.venv/bin/python}"
images="$PWD/.github/images"
browser="$(command -v chromium || command -v chromium-browser || command -v google-chrome)"
made="$(mktemp -d)"
trap 'rm -rf "$made"' EXIT
bevseg() { "$python" -m bevseg "$@"; }
small() { "$python" tools/readme_picture.py "$@"; }
shoot() { # page.html picture.png width,height
    "$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars --blink-settings=preferredColorScheme=0 \
        --window-size="$3" --virtual-time-budget=20000 --run-all-compositor-stages-before-draw \
        --screenshot="$2" "file://$1" 2>/dev/null
}

bevseg simulate --out "$made/drive" --drive --frames 40 --sensor hdl-64e --seed 11

# What the model sees, each object in the colour of its track.
bevseg replay "$made/drive" --checkpoint bevseg-s --no-truth --output "$made/drive.mp4"
small "$made/drive.mp4" "$images/drive.webp" --width 960 --quality 50

# The same held against the truth: nine frames of it, and the page.
bevseg replay "$made/drive" --checkpoint bevseg-s --sheet "$made/sheet.png"
small "$made/sheet.png" "$images/replay-sheet.jpg" --quality 80
bevseg replay "$made/drive" --checkpoint bevseg-s --view web --output "$made/clip.html"
shoot "$made/clip.html" "$made/page.png" 1400,900
small "$made/page.png" "$images/replay.jpg"

# Each kind of failure, made on purpose: one frame of the video, and a tile a kind.
"$python" tools/damaged_predictions.py "$made/drive" "$made/damaged" --sheet "$made/kinds.png"
bevseg replay "$made/drive" --predictions "$made/damaged" --from 20 --to 20 --output "$made/frame"
small "$made/frame/000020.png" "$images/replay-frame.jpg"
small "$made/kinds.png" "$images/replay-kinds.jpg"

# What the node's messages hold, drawn from a bag of the drive.
bevseg replay "$made/drive" --checkpoint bevseg-s --view mcap --from 16 --to 24 --output "$made/drive.mcap"
"$python" tools/draw_messages.py "$made/drive.mcap" "$made/messages.png" --scan 4
small "$made/messages.png" "$images/ros-messages.jpg"

# The page of an evaluation: its top, without the list of failures, down to the first pictures of them.
bevseg eval --simulated --frames 40 --output "$made/run"
sed 's|</head>|<style>#failures { display: none }</style></head>|' "$made/run/report.html" >"$made/report.html"
shoot "$made/report.html" "$made/report.png" 1200,1486
small "$made/report.png" "$images/report.jpg"
