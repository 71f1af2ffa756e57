#!/bin/sh
# Set up the system packages that the tests use, where this is allowed: Chromium, for the tests of the HTML report, and
# Java 17 or newer, for those of Spark. Elsewhere say what to install; the tests that need it are then skipped.

has_chromium() {
    for name in chromium chromium-browser google-chrome; do
        command -v "$name" >/dev/null 2>&1 && return 0
    done
    return 1
}

# Only a Java that Spark runs on counts.
has_java() {
    for path in "${JAVA_HOME:-/nowhere}/bin/java" java; do
        command -v "$path" >/dev/null 2>&1 || continue
        major=$("$path" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -n 1)
        [ "${major:-0}" -ge 17 ] && return 0
    done
    return 1
}

# Debian releases have different ones: 17 in 12 (bookworm), 21 in 13 (trixie).
java_package() {
    for version in 17 21 25; do
        package=openjdk-$version-jre-headless
        apt-cache policy "$package" 2>/dev/null | grep -q 'Candidate: [0-9]' && echo "$package" && return
    done
    echo default-jre-headless
}

chromium=
java=
has_chromium || chromium="chromium fonts-liberation"
has_java || java=openjdk-17-jre-headless
[ -n "$chromium$java" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 && grep -q '^ID=debian' /etc/os-release 2>/dev/null; then
    log=$(mktemp)
    apt-get update >"$log" 2>&1 </dev/null
    [ -z "$java" ] || java=$(java_package)
    # One after the other, so that one that cannot be had does not keep the other away.
    for wanted in "$chromium" "$java"; do
        [ -n "$wanted" ] || continue
        echo "Installing for the tests: $wanted"
        # shellcheck disable=SC2086  # one word for each package
        if ! DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $wanted >>"$log" 2>&1 </dev/null
        then
            tail -n 20 "$log" >&2
            echo "$wanted could not be installed: the tests that need it will be skipped." >&2
        fi
    done
    rm -f "$log"
else
    [ -z "$chromium" ] ||
        echo "Chromium is not on this machine: the browser tests will be skipped. On Debian:  apt-get install $chromium"
    [ -z "$java" ] ||
        echo "Java 17 or newer is not on this machine: the Spark tests will be skipped. On Debian:  apt-get install $java"
fi
exit 0
