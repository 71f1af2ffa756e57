#!/bin/sh
# Set up the system packages that the tests use, where this is allowed: Chromium, for the tests of the HTML report.
# Elsewhere say what to install; the tests that need it are then skipped.

for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null 2>&1 && exit 0
done

wanted="chromium fonts-liberation"
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 && grep -q '^ID=debian' /etc/os-release 2>/dev/null; then
    echo "Installing for the tests: $wanted"
    log=$(mktemp)
    # shellcheck disable=SC2086  # one word for each package
    if { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $wanted; } \
        >"$log" 2>&1 </dev/null; then
        rm -f "$log"
        exit 0
    fi
    tail -n 20 "$log" >&2
    rm -f "$log"
    echo "Chromium could not be installed: the browser tests will be skipped." >&2
else
    echo "Chromium is not on this machine: the browser tests will be skipped. On Debian:  apt-get install $wanted"
fi
