#!/bin/sh
# usage: run.sh file.ts args
f=$1; shift
npx esbuild $f --bundle --platform=node --format=esm --packages=external --outfile=dist/$(basename $f .ts).mjs --log-level=error && exec nice -n 5 node dist/$(basename $f .ts).mjs "$@"
