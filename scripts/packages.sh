#!/usr/bin/env bash
# Installs the Debian packages that the tests need, when run as root; else
# names the missing ones in one line. Tests skip loudly what is not there.
set -u
want=(swaks postfix postgresql chromium strace poppler-utils tesseract-ocr
	python3-dkim python3-authres python3-nacl libmail-dkim-perl)
command -v npm >/dev/null || want+=(npm)
command -v "${CC:-gcc}" >/dev/null || want+=(gcc libc6-dev) # the race detector needs one
install() {
	missing=()
	for p in "${want[@]}"; do
		dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || missing+=("$p")
	done
	[ ${#missing[@]} -eq 0 ] && return
	if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
		echo "missing Debian packages: ${missing[*]} (apt-get install ${missing[*]}); their tests will print SKIPPED"
		return
	fi
	export DEBIAN_FRONTEND=noninteractive
	echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections 2>/dev/null
	# A service must not start on its own: the tests run private ones.
	printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d 2>/dev/null && chmod 755 /usr/sbin/policy-rc.d
	apt-get update -q >/dev/null || true
	apt-get install -y -q --no-install-recommends "${missing[@]}" >/dev/null || echo "could not install all of: ${missing[*]}"
	rm -f /usr/sbin/policy-rc.d
}
install

# The checker of accessibility is a package of npm; nothing of it is in the program.
axe=axe-core@4.14.1
if [ ! -f .make/axe-core/package/axe.min.js ]; then
	mkdir -p .make/axe-core
	if ! command -v npm >/dev/null || ! (cd .make/axe-core && npm pack --silent "$axe" >/dev/null 2>&1 && tar xzf axe-core-*.tgz); then
		echo "missing npm package: $axe in .make/axe-core; the tests that need it will print SKIPPED"
	fi
fi
exit 0
