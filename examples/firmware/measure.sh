#!/bin/sh
# Flash, RAM and instructions on a Cortex-M4F. Flash is .text and .rodata of a program with the named parts of the library, without
# those of an empty one. Needs a `size` that reads Arm files, and qemu-system-arm.
set -eu
cd "$(dirname "$0")"
size=$(command -v llvm-size || command -v arm-none-eabi-size)

# bytes PROFILE PARTS
bytes() {
    cargo build -q --profile "$1" --bin footprint --features "$2"
    "$size" -A "target/thumbv7em-none-eabihf/$1/footprint" | awk '$1 == ".text" || $1 == ".rodata" { sum += $2 } END { print sum }'
}

echo "flash in bytes: opt-level 3, s"
for parts in train,predict train,initialize,predict predict checkpoint online; do
    printf '%-26s %6d %6d\n' "$parts" \
        $(($(bytes release "$parts") - $(bytes release ""))) $(($(bytes small "$parts") - $(bytes small "")))
done
for profile in release small; do
    echo "$profile:"
    cargo run -q --profile "$profile" --bin cost
done
