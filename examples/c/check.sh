#!/usr/bin/env bash
# Everything that the C package promises: the header is the one that the source gives; it compiles as C and C++ without
# a warning; programs in C compute the desktop's bits on Linux and on a Cortex-M4F in QEMU; every misuse has its error;
# no panic can be reached; the flash keeps to its limit. `check.sh --full` trains 10,000 steps in QEMU and proves the
# library at opt-level 3, too.
set -euo pipefail
cd "$(dirname "$0")"

# Flash at "s", start-up included, with the tanh cell and with an LSTM: of programs/flash.c, which calls
# rnnlm_model_init, rnnlm_learner_init, rnnlm_learner_observe, rnnlm_learner_probabilities and rnnlm_top; and of the
# same program with every function of the header linked: files, scores, random numbers, predictors, words of errors.
LIMIT=12544
ALL_LIMIT=37376
LSTM_LIMIT=16896
LSTM_ALL_LIMIT=41984
target=${CARGO_TARGET_DIR:-$PWD/target}
build=$target/c
mkdir -p "$build"

skipped() { printf 'SKIPPED %s: %s\n' "$1" "$2"; }
# have COMMAND PACKAGE: installs it where it is missing
have() {
    command -v "$1" >/dev/null && return
    { apt-get update && apt-get install -y --no-install-recommends "$2"; } >/dev/null 2>&1 && command -v "$1" >/dev/null
}
strict=(-Wall -Wextra -Werror -pedantic -Iinclude -Iplatform)

cargo fmt --check
cargo clippy -q --all-targets -- -D warnings
cargo run -q --bin header -- --check
cargo build -q --lib

# README's program, as it stands there
sed -n '/^```c$/,/^```$/p' README.md | sed '/^```/d' >"$build/readme.c"

portable=(programs/main.c programs/errors.c programs/sizes.c programs/flash.c "$build/readme.c")
for compiler in gcc clang; do
    if ! have $compiler $compiler; then
        skipped "$compiler" "it can't be installed"
        continue
    fi
    for standard in c99 c11; do
        $compiler -std=$standard "${strict[@]}" -fsyntax-only "${portable[@]}" programs/text.c programs/guarded.c
    done
    plus=${compiler/gcc/g}++
    if ! have "$plus" "${plus/clang++/clang}"; then
        skipped "$plus" "it can't be installed"
        continue
    fi
    for standard in c++11 c++17; do
        $plus -x c++ -std=$standard "${strict[@]}" -fsyntax-only "${portable[@]}" programs/text.c
    done
    echo "$compiler: C99, C11, C++11 and C++17 without a warning"
done

# host PROGRAM SOURCES: builds and runs it on this machine
compiler=$(command -v gcc || command -v clang || true)
host() {
    local program=$1
    shift
    # addresses are checked where the compiler brings what that takes
    for checks in "-fsanitize=address,undefined" ""; do
        # shellcheck disable=SC2086
        "$compiler" -std=c99 "${strict[@]}" -g -O1 $checks "$@" "$target/debug/librnnlm.a" \
            -o "$build/$program" 2>"$build/messages" && break
    done
    [ -n "$checks" ] || skipped "the address sanitizer" "$compiler comes without it"
    "$build/$program"
}
# the hashes of 200 and of 10,000 steps that all programs must print
golden() {
    sed -n 's/.*GOLDEN.*(\([0-9_]*\), 0x\([0-9a-f_]*\)), (\([0-9_]*\), 0x\([0-9a-f_]*\)).*/\1 \2\n\3 \4/p' "$1" |
        sed 's/_//g; s/ / steps: /'
}
golden=$(golden ../firmware/src/workload.rs)
lstm=$(golden ../firmware/src/model.rs)
[ "$(wc -l <<<"$golden"$'\n'"$lstm")" = 4 ]
if [ -n "$compiler" ]; then
    host main programs/main.c programs/text.c platform/linux.c | tee "$build/main.txt"
    host errors programs/errors.c programs/text.c platform/linux.c
    host sizes programs/sizes.c programs/text.c platform/linux.c
    host readme "$build/readme.c"
    "$compiler" -std=c99 "${strict[@]}" programs/guarded.c "$target/debug/librnnlm.a" -o "$build/guarded"
    "$build/guarded"
    grep -qxF "$(head -1 <<<"$golden")" "$build/main.txt"
    grep -qxF "$(tail -1 <<<"$golden")" "$build/main.txt"
    if have cmake cmake; then
        cmake -S . -B "$build/cmake" -DRNNLM_PROFILE=dev -DRNNLM_CARGO_DIR="$target" >"$build/messages"
        cmake --build "$build/cmake" >>"$build/messages" 2>&1
        "$build/cmake/main" | cmp - "$build/main.txt"
        echo "CMake builds the same"
    else
        skipped CMake "it can't be installed"
    fi
    cargo build -q --lib --features lstm
    strict+=(-DRNNLM_LSTM)
    host lstm programs/main.c programs/text.c platform/linux.c | tee "$build/lstm.txt"
    host lstm_errors programs/errors.c programs/text.c platform/linux.c
    host lstm_sizes programs/sizes.c programs/text.c platform/linux.c
    grep -qxF "$(head -1 <<<"$lstm")" "$build/lstm.txt"
    grep -qxF "$(tail -1 <<<"$lstm")" "$build/lstm.txt"
    unset 'strict[-1]'
    cargo build -q --lib
else
    skipped "programs on this machine" "no compiler can be installed"
fi

triple=thumbv7em-none-eabihf
if ! rustup target add $triple >/dev/null 2>&1; then
    skipped "the C package on a Cortex-M4F" "the standard library of $triple can't be installed"
    exit 0
fi
if ! have arm-none-eabi-gcc gcc-arm-none-eabi; then
    skipped "the C package on a Cortex-M4F" "arm-none-eabi-gcc can't be installed"
    exit 0
fi
arm=(arm-none-eabi-gcc -std=c99 "${strict[@]}" -Os -ffunction-sections -fdata-sections -ffreestanding -nostdlib
    -fno-tree-loop-distribute-patterns -mcpu=cortex-m4 -mthumb -mfpu=fpv4-sp-d16 -mfloat-abi=hard)
linked=(platform/cortex_m.c platform/memory.c -Wl,--gc-sections -Wl,-z,noexecstack -T platform/cortex_m.ld)
# older linkers don't know what newer ones warn of
if arm-none-eabi-ld --help | grep -q no-warn-rwx-segments; then
    linked+=(-Wl,--no-warn-rwx-segments)
fi
# The library with the proof is the product's: where no panic can be reached the two don't differ.
keep=()
for function in $(grep -o 'rnnlm_[a-z_]*(' include/rnnlm.h | tr -d '(' | sort -u); do
    keep+=("-Wl,--undefined=$function")
done
[ "${#keep[@]}" = "$(cat src/*.rs | grep -c no_mangle)" ]
profiles=(small)
[ "${1:-}" != --full ] || profiles+=(release)
for profile in "${profiles[@]}"; do
    cargo build -q --lib --profile $profile --features proof --target $triple
    "${arm[@]}" "${keep[@]}" programs/flash.c "${linked[@]}" "$target/$triple/$profile/librnnlm.a" -o "$build/all.elf"
    echo "no panic in any of ${#keep[@]} functions ($profile)"
done
library=$target/$triple/small/librnnlm.a

# weigh WHAT LIMIT OPTIONS: programs/flash.c with the library at hand
weigh() {
    local flash what=$1 limit=$2
    shift 2
    "${arm[@]}" "$@" programs/flash.c "${linked[@]}" "$library" -o "$build/flash.elf"
    flash=$(arm-none-eabi-size -A "$build/flash.elf" |
        awk '/^\.(text|rodata|ARM.exidx|data) / { sum += $2 } END { print sum }')
    echo "flash $what: $flash bytes at s, at most $limit"
    [ "$flash" -gt 0 ] && [ "$flash" -le "$limit" ] || { echo "BEYOND THE LIMIT" >&2; exit 1; }
}
weigh "to learn, to predict and for the top 3" $LIMIT
weigh "of that and all other functions" $ALL_LIMIT "${keep[@]}"

if ! command -v qemu-system-arm >/dev/null; then
    skipped "the C package in QEMU" "qemu-system-arm is not here"
    exit 0
fi
steps=200
[ "${1:-}" != --full ] || steps=10000
# in_qemu PREFIX PROGRAMS: builds them with the library at hand and runs them
in_qemu() {
    local prefix=$1 program
    shift
    for program in "$@"; do
        "${arm[@]}" -DSTEPS=$steps "programs/$program.c" programs/text.c "${linked[@]}" "$library" \
            -o "$build/$prefix$program.elf"
        timeout 300 qemu-system-arm -M mps2-an386 -nographic -monitor none -serial none \
            -semihosting-config enable=on,target=native -kernel "$build/$prefix$program.elf" 2>&1 |
            tee "$build/$prefix$program.txt"
    done
}
in_qemu "" main errors sizes stack
grep -qxF "$(head -1 <<<"$golden")" "$build/main.txt"
[ $steps = 200 ] || grep -qxF "$(tail -1 <<<"$golden")" "$build/main.txt"

cargo build -q --lib --profile small --features lstm,proof --target $triple
arm+=(-DRNNLM_LSTM)
"${arm[@]}" "${keep[@]}" programs/flash.c "${linked[@]}" "$library" -o "$build/all.elf"
echo "no panic in any of ${#keep[@]} functions of the LSTM (small)"
weigh "to learn, to predict and for the top 3 with an LSTM" $LSTM_LIMIT
weigh "of that and all other functions with an LSTM" $LSTM_ALL_LIMIT "${keep[@]}"
in_qemu lstm_ main errors sizes
grep -qxF "$(head -1 <<<"$lstm")" "$build/lstm_main.txt"
[ $steps = 200 ] || grep -qxF "$(tail -1 <<<"$lstm")" "$build/lstm_main.txt"
# the library of this folder is that of the tanh cell again
cargo build -q --lib --profile small --target $triple
