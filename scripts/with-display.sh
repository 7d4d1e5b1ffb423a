#!/usr/bin/env bash
# Runs a command with a display and a session bus of its own.
set -euo pipefail
exec xvfb-run -a -s '-screen 0 1600x1000x24' dbus-run-session -- "$@"
