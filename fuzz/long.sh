#!/usr/bin/env bash
# Runs every fuzz target, one after the other, and prints how many executions each had.
#
#	fuzz/long.sh [TIME] [TARGET…]     TIME for each target, 10m by default; all targets by default
#
# PARALLEL is the number of workers, 1 by default. Inputs are hardly minimized: that would
# take most of the time. A crasher ends its own target alone; its input lies below
# fuzz/testdata/fuzz, and the exit code is 1.
set -uo pipefail
cd "$(dirname "$0")/.."

duration=${1:-10m}
shift || true
targets=("$@")
if [ ${#targets[@]} = 0 ]; then
	mapfile -t targets < <(go test -list '^Fuzz' ./fuzz | grep '^Fuzz')
fi
[ ${#targets[@]} -gt 0 ] || { echo "no targets: does the package compile?" >&2; exit 1; }

log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed=0
printf '%-20s %12s %8s  %s\n' target executions new result
for target in "${targets[@]}"; do
	result=passed
	if ! go test -run '^$' -fuzz "^$target\$" -fuzztime "$duration" -fuzzminimizetime 20x -parallel "${PARALLEL:-1}" ./fuzz >"$log" 2>&1; then
		result=FAILED failed=1
	fi
	execs=$(grep -o 'execs: [0-9]*' "$log" | tail -n 1 | tr -cd 0-9)
	new=$(grep -o 'new interesting: [0-9]*' "$log" | tail -n 1 | tr -cd 0-9)
	printf '%-20s %12s %8s  %s\n' "$target" "${execs:-0}" "${new:-0}" "$result"
	[ "$result" = passed ] || grep -v '^fuzz: elapsed' "$log" | cut -c1-2000 | head -n 40
done
exit $failed
