#!/usr/bin/env bash
# The page as one file, which any browser opens from the disk: target/rnnlm.html, or where the first argument says.
# Without relaxed SIMD, which not every browser has: a second program would make the page twice as long.
set -euo pipefail
cd "$(dirname "$0")"
target=${CARGO_TARGET_DIR:-target}
page=${1:-target/rnnlm.html}
most=102400

# paths of this machine are nobody's business
root=$(cd ../.. && pwd)
RUSTFLAGS="--remap-path-prefix=$root=. --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=." \
    cargo build --quiet --release --lib --target wasm32-unknown-unknown
wasm=$target/wasm32-unknown-unknown/release/rnnlm_web.wasm
# a part of the page without indentation and comments that are lines of their own
short() { sed -E 's/^ +//; /^\/\//d' "page/$1"; }
pack() { gzip -9n | base64 -w 0; }
mkdir -p "$(dirname "$page")"
while IFS= read -r line; do
    name=${line#<!-- * }
    case $line in
        "<!-- pack wasm -->") pack <"$wasm"; echo ;;
        "<!-- pack "*) short "${name% -->}" | pack; echo ;;
        "<!-- include "*) short "${name% -->}" ;;
        *) printf '%s\n' "$line" ;;
    esac
done <page/index.html >"$page"

size=$(stat -c %s "$page")
echo "$page: $size bytes, of which the program takes $(pack <"$wasm" | wc -c)" \
    "($(stat -c %s "$wasm") before it is packed)"
[ "$size" -le "$most" ] || { echo "more than $most bytes"; exit 1; }
