#!/bin/sh
# Checks that every Go file begins with the SPDX line, or with the text of hack/boilerplate.go.txt,
# which generated files have. Build constraints and empty lines may precede the header.
#
#   hack/licence-headers.sh check   lists the files without a header, and fails if there are any
#   hack/licence-headers.sh fix     adds the SPDX line to the files without a header
set -eu
cd "$(dirname "$0")/.."

spdx='// SPDX-License-Identifier: Apache-2.0'

missing() {
	find . \( -name '.?*' -o -path ./bin \) -prune -o -type f -name '*.go' -exec awk -v spdx="$spdx" '
		BEGIN {
			while ((getline line < "hack/boilerplate.go.txt") > 0) if (line != "") want[++wanted] = line
		}
		FNR == 1 { report(); file = FILENAME; state = "open"; matched = 0 }
		state != "open" || $0 == "" || /^\/\/go:build / { next }
		matched == 0 && $0 == spdx { state = "found"; next }
		$0 == want[matched + 1] { if (++matched == wanted) state = "found"; next }
		{ state = "missing" }
		END { report() }
		function report() { if (file != "" && state != "found") print file }
	' {} + | LC_ALL=C sort
}

case "${1-}" in
check)
	files=$(missing)
	test -z "$files" || {
		printf '%s\n' "$files" >&2
		echo "these files have no licence header: run hack/licence-headers.sh fix" >&2
		exit 1
	}
	;;
fix)
	missing | while IFS= read -r file; do
		{ printf '%s\n\n' "$spdx" && cat "$file"; } >"$file.tmp"
		cat "$file.tmp" >"$file" # keeps the file's mode
		rm "$file.tmp"
		echo "$file"
	done
	;;
*)
	echo "usage: $0 check|fix" >&2
	exit 2
	;;
esac
