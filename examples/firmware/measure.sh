#!/bin/sh
# Flash, RAM and instructions on a Cortex-M4F, and whether they keep to their limits. Flash is .text and .rodata of a
# program with the named parts of the library, without those of an empty one. Needs a `size` that reads Arm files, and
# qemu-system-arm. `measure.sh --full` weighs the parts without a limit too, and the calls of a learner.
set -eu
cd "$(dirname "$0")"
size=$(command -v llvm-size || command -v arm-none-eabi-size)

# bytes PROFILE PARTS [CARGO'S FLAGS]
bytes() {
    profile=$1 features=$2
    shift 2
    cargo build -q --profile "$profile" --bin footprint --features "$features" "$@"
    set -- "$profile"
    file=${CARGO_TARGET_DIR:-target}/thumbv7em-none-eabihf/$1/footprint
    [ -f "$file" ] || { echo "there is no $file to measure" >&2; return 1; }
    "$size" -A "$file" |
        awk '$1 == ".text" || $1 == ".rodata" { sum += $2 } END { if (!sum) exit 1; print sum }'
}

empty_release=$(bytes release "")
empty_small=$(bytes small "")
too_large=0
# parts PARTS LIMIT LIMIT: the limits at opt-level 3 and at "s", where there are any
parts() {
    # on lines of their own, where a failure counts
    fast=$(bytes release "$1")
    small=$(bytes small "$1")
    fast=$((fast - empty_release))
    small=$((small - empty_small))
    printf '%-26s %6d %6d\n' "$1" "$fast" "$small"
    if [ "$fast" -gt "${2:-$fast}" ] || [ "$small" -gt "${3:-$small}" ]; then
        echo "$1 takes more flash than $2 bytes at opt-level 3 or $3 at s" >&2
        too_large=1
    fi
}

echo "flash in bytes: opt-level 3, s"
parts train,predict 10240 8704
parts predict 16384 3840
parts predict-int8 10240 4864
parts lstm,predict-int8 11520 6144
parts lstm,train,predict "" 12800
parts lstm,predict "" 6144
parts checkpoint 16384 6144
# more forms of products, for those who build for speed
fast=$(bytes release train,predict --config 'target.thumbv7em-none-eabihf.rustflags=["--cfg=rnnlm_speed"]')
fast=$((fast - empty_release))
printf '%-26s %6d\n' "train,predict for speed" "$fast"
if [ "$fast" -gt 11776 ]; then
    echo "train,predict with --cfg=rnnlm_speed takes more flash than 11776 bytes at opt-level 3" >&2
    too_large=1
fi
if [ "${1:-}" = --full ]; then
    for alone in train,initialize,predict int8 online slots device words detect head; do
        parts "$alone"
    done
fi
for profile in release small; do
    echo "$profile:"
    cargo run -q --profile "$profile" --bin cost
    cargo run -q --profile "$profile" --features lstm --bin cost
    cargo run -q --profile "$profile" --bin save
    if [ "${1:-}" = --full ]; then
        cargo run -q --profile "$profile" --bin calls
    fi
done
exit "$too_large"
