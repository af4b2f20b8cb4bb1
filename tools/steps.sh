#!/bin/sh
# Runs named steps one after the other, stops at the first that fails, and
# says at the end where the time went.
#
# Usage: steps.sh NAME COMMAND [NAME COMMAND …]
set -u
table=""
start=$(date +%s)
finish() {
    printf '\n%-34s %s\n' "step" "seconds"
    printf "$table"
    printf '%-34s %s\n' "all" "$(($(date +%s) - start))"
}
while [ $# -ge 2 ]; do
    name=$1
    command=$2
    shift 2
    printf '\n== %s\n' "$name"
    began=$(date +%s)
    sh -c "$command"
    status=$?
    table="$table$(printf '%-34s %s' "$name" "$(($(date +%s) - began))")\n"
    if [ $status -ne 0 ]; then
        finish
        printf '\nfailed: %s (%s)\n' "$name" "$command"
        exit $status
    fi
done
finish
