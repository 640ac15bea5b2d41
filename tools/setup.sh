#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Gets everything that building (and, with "test", testing) needs, and nothing twice.
# usage: tools/setup.sh [test] [demo]
# What it fetches it checks against tools/pins-*.txt and keeps in .cache/; a second call needs no network.
set -euo pipefail
cd "$(dirname "$0")/.."
cache=$PWD/.cache

say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$@"; exit 1; }

check_machine() {
	[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] ||
		die "this is $(uname -s) on $(uname -m); mulgil builds on Linux on x86_64 only (libduckdb is taken for that)"
	command -v dpkg-query >/dev/null ||
		die "this is not Debian; mulgil is built and tested on Debian 12. Its packages are listed in tools/packages*.txt"
}

# Prints the packages of the list files $@ that are not installed, or too old.
missing_packages() {
	local name op least have
	while read -r name op least _; do
		case $name in
		'' | '#'*) continue ;;
		command:*)
			command -v "${name#command:}" >/dev/null || echo "$op $least"
			continue
			;;
		esac
		have=$(dpkg-query -W -f '${db:Status-Status} ${Version}' "$name" 2>/dev/null) || have=
		case $have in
		'installed '*) [ -z "$op" ] || dpkg --compare-versions "${have#installed }" ge "$least" || echo "$name" ;;
		*) echo "$name" ;;
		esac
	done < <(cat "$@")
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "these Debian packages are needed and this is neither root nor is there sudo; as root run: apt-get install $wanted"
	fi
}

install_packages() {
	wanted=$(missing_packages "$@" | xargs)
	[ -n "$wanted" ] || return 0
	say "installing Debian packages: $wanted"
	# shellcheck disable=SC2086 # a list of words
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q update >&2 || say "apt-get update failed; trying with the lists that are here"
	# shellcheck disable=SC2086
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install $wanted >&2 ||
		die "apt-get could not install: $wanted. Check the network and the apt sources, then run the same command again"
	wanted=$(missing_packages "$@" | xargs)
	[ -z "$wanted" ] || die "installed, but still missing or older than tools/packages*.txt asks for: $wanted"
}

sha512_base64() { openssl dgst -sha512 -binary "$1" | openssl base64 -A; }

# Takes one file out of one pinned npm package.
npm_file() {
	local name=$1 version=$2 integrity=$3 member=$4 to=$cache/$5 tmp got
	[ -s "$to" ] && [ "$(cat "$to.pin" 2>/dev/null)" = "$name@$version $integrity" ] && return 0
	say "taking $member of the npm package $name@$version"
	mkdir -p "$(dirname "$to")"
	tmp=$(mktemp -d "$cache/npm-XXXXXX")
	# shellcheck disable=SC2064 # the directory of now
	trap "rm -rf '$tmp'" EXIT
	(cd "$tmp" && npm pack --loglevel error --ignore-scripts "$name@$version" >/dev/null) ||
		die "npm could not get $name@$version. Check the network and npm's registry setting (npm config get registry), then run the same command again"
	got=sha512-$(sha512_base64 "$tmp"/*.tgz)
	[ "$got" = "$integrity" ] ||
		die "$name@$version is not the archive that tools/pins-npm.txt pins (it has $got); nothing was taken from it"
	tar -xzf "$tmp"/*.tgz -C "$tmp" "package/$member"
	mv "$tmp/package/$member" "$to"
	echo "$name@$version $integrity" >"$to.pin"
	rm -rf "$tmp"
	trap - EXIT
}

npm_files() {
	local name version integrity member to
	while read -r name version integrity member to; do
		case $name in '' | '#'*) continue ;; esac
		npm_file "$name" "$version" "$integrity" "$member" "$to"
	done <tools/pins-npm.txt
}

# The pulse recordings that the heartpy package carries (MIT), for the demo.
recordings() {
	local to=$cache/recordings/heartpy tmp
	cmp -s tools/pins-pypi.txt "$to/pin" && return 0
	say "taking the recordings of the Python package heartpy"
	mkdir -p "$cache/recordings"
	tmp=$(mktemp -d "$cache/pypi-XXXXXX")
	# shellcheck disable=SC2064 # the directory of now
	trap "rm -rf '$tmp'" EXIT
	/usr/bin/python3 -m pip --disable-pip-version-check -q download --no-deps --only-binary :all: \
		--require-hashes -r tools/pins-pypi.txt -d "$tmp" >&2 ||
		die "pip could not get the packages of tools/pins-pypi.txt, or they are not what is pinned. Check the network and pip's index setting, then run the same command again"
	/usr/bin/python3 -m zipfile -e "$tmp"/heartpy-*.whl "$tmp/x"
	rm -rf "$to"
	mkdir "$tmp/take"
	cp "$tmp"/x/heartpy/data/*.csv "$tmp"/x/heartpy-*.dist-info/LICENSE "$tmp/take/"
	cp tools/pins-pypi.txt "$tmp/take/pin"
	mv "$tmp/take" "$to"
	rm -rf "$tmp"
	trap - EXIT
}

# AWS's service models, which botocore carries, of the services that mulgil has: for the contract test.
models() {
	local to=$cache/botocore pin tmp
	pin=$(cat tools/pins-pypi-test.txt tools/models.txt)
	[ "$(cat "$to/pin" 2>/dev/null)" = "$pin" ] && return 0
	say "taking AWS's service models from the Python package botocore"
	tmp=$(mktemp -d "$cache/pypi-XXXXXX")
	# shellcheck disable=SC2064 # the directory of now
	trap "rm -rf '$tmp'" EXIT
	/usr/bin/python3 -m pip --disable-pip-version-check -q download --no-deps --only-binary :all: \
		--require-hashes -r tools/pins-pypi-test.txt -d "$tmp" >&2 ||
		die "pip could not get the packages of tools/pins-pypi-test.txt, or they are not what is pinned. Check the network and pip's index setting, then run the same command again"
	/usr/bin/python3 -m zipfile -e "$tmp"/botocore-*.whl "$tmp/x"
	mkdir "$tmp/take"
	local service
	while read -r service; do
		case $service in '' | '#'*) continue ;; esac
		cp -r "$tmp/x/botocore/data/$service" "$tmp/take/"
	done <tools/models.txt
	printf '%s\n' "$pin" >"$tmp/take/pin"
	rm -rf "$to"
	mv "$tmp/take" "$to"
	rm -rf "$tmp"
	trap - EXIT
}

check_machine
mkdir -p "$cache"
lists=(tools/packages.txt)
for what in "$@"; do
	case $what in
	test) lists+=(tools/packages-test.txt) ;;
	demo) lists+=(tools/packages-demo.txt) ;;
	*) die "unknown word: $what (known: test, demo)" ;;
	esac
done
install_packages "${lists[@]}"
npm_files
tools/web setup
case " $* " in *" demo "*) recordings ;; esac
case " $* " in *" test "*) models ;; esac
