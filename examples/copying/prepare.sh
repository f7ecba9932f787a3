#!/usr/bin/env bash
# Unpacks a data folder, and separates what the sources have grown together: quoted strings, names and punctuation become
# words of their own, as they are in the targets.
#
#   examples/copying/prepare.sh FOLDER/django prepared/django
set -euo pipefail
[[ $# -eq 2 ]] || { sed -n '2,5p' "$0"; exit 2; }
mkdir -p "$2"
for part in train val test; do
  zcat "$1/$part.src.gz" | sed -E "s/('[^']*'|\"[^\"]*\"|[A-Za-z_0-9]+|[^[:space:]])/ \1 /g; s/ +/ /g; s/^ | \$//g" >"$2/$part.src"
  zcat "$1/$part.tgt.gz" >"$2/$part.tgt"
done
