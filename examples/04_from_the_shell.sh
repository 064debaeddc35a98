#!/usr/bin/env bash
# Record runs from any language or script: a command line, or JSON lines on standard input.
set -euo pipefail

# One finished run; the command prints its id.
run=$(gittrack log -x shell --name by-hand -p lr=0.1 -p model=linear -m acc=0.9 -m loss=0.3@1 -m loss=0.2@2 -t team=vision)
echo "recorded $run"

# The same from a program that writes JSON lines.
for step in 1 2 3; do
    printf '{"metrics": {"loss": %s}, "step": %d}\n' "$(awk "BEGIN { print 1 / $step }")" "$step"
done | gittrack log -x shell --name by-pipe -p lr=0.01 -

gittrack log -x shell
