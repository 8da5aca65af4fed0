//! Prediction from int8 weights in flash: the next event of workload E, and the next word of 4,000, which take a
//! quarter of the flash that f32 weights would. The desktop made the files, and says what the bits must be; the device
//! makes the smaller file anew.
#![no_std]
#![no_main]

use core::hint::black_box;

use firmware::{
    int8::{IDS, ODD, WORDS, bits},
    model::{CONFIG, ModelCell},
    target::{Instructions, entry, fail},
};
use rnnlm::{Candidate, Checkpoint, Config, Isa, Quantized, QuantizedPredictor, top};
use semihosting::println;
use static_cell::ConstStaticCell;

#[repr(align(8))]
struct Aligned<T: ?Sized>(T);
static ODD_SIZES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/odd.int8.safetensors"));
const EVENTS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/events.int8.safetensors"));
static NEXT_WORD: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/words.int8.safetensors"));
static F32: &Aligned<[u8]> = &Aligned(*include_bytes!(concat!(env!("OUT_DIR"), env!("TRAINED_MODEL"))));

const fn floats(config: Config) -> usize {
    match Quantized::<ModelCell>::buffer_len_as(config) {
        Ok(len) => len,
        Err(_) => panic!("bad sizes"),
    }
}

static FOR_EVENTS: ConstStaticCell<[f32; floats(CONFIG)]> = ConstStaticCell::new([0.0; floats(CONFIG)]);
static FOR_WORDS: ConstStaticCell<[f32; floats(WORDS)]> = ConstStaticCell::new([0.0; floats(WORDS)]);
static MADE_HERE: ConstStaticCell<[u8; EVENTS.len()]> = ConstStaticCell::new([0; EVENTS.len()]);

/// What a prediction at E may take without an FPU.
const LIMIT: u32 = if cfg!(feature = "lstm") { 150_000 } else { 60_000 };

// Where a model of cycles begins and ends to count; of different bodies, so that they stay two.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn events_mark_on() {
    black_box(1);
}
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn events_mark_off() {
    black_box([2, 3]);
}
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn words_mark_on() {
    black_box([4, 5, 6]);
}
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn words_mark_off() {
    black_box([7, 8, 9, 10]);
}

fn predict(predictor: &mut QuantizedPredictor<'_, &mut [f32], ModelCell>, id: u32) -> Option<Candidate> {
    let mut three = [Candidate::default(); 3];
    top(predictor.feed(id).ok()?, &[], &mut three).first().copied()
}

#[entry]
fn main() -> ! {
    let mut instructions = Instructions::new().unwrap();
    println!("instruction set: {}", Isa::detect().name());
    let (for_events, for_words, made) = (FOR_EVENTS.take(), FOR_WORDS.take(), MADE_HERE.take());

    let weights = Quantized::<ModelCell>::read_as(EVENTS).unwrap();
    let mut predictor = QuantizedPredictor::with_buffers(weights, &mut for_events[..]).unwrap();
    let mut found = [bits(&mut predictor), 0, 0];
    events_mark_on();
    black_box(predict(&mut predictor, black_box(7)));
    events_mark_off();
    let cost = instructions.count(|| {
        black_box(predict(&mut predictor, black_box(7)));
    });
    println!("the next event and its top 3: {cost} instructions, {} bytes of file", EVENTS.len());

    let weights = Quantized::<ModelCell>::read_as(NEXT_WORD).unwrap();
    let mut predictor = QuantizedPredictor::with_buffers(weights, &mut for_words[..]).unwrap();
    let best = IDS.map(|id| predict(&mut predictor, id % WORDS.vocab_size as u32).unwrap());
    found[1] = bits(&mut predictor);
    words_mark_on();
    black_box(predict(&mut predictor, black_box(7)));
    words_mark_off();
    let bytes = 4 * for_words.len();
    println!("of 4,000 words, D=H=64: {} bytes of file, {bytes} of RAM; likeliest {}", NEXT_WORD.len(), best[0].id);

    let weights = Quantized::<ModelCell>::read_as(ODD_SIZES).unwrap();
    found[2] = bits(&mut QuantizedPredictor::with_buffers(weights, [0.0; floats(ODD)]).unwrap());

    // from the f32 weights, on this device
    let is_same =
        Checkpoint::<ModelCell>::read_as(&F32.0).ok().and_then(|file| file.weights()).is_some_and(|weights| {
            let written = Quantized::write(&weights, "", made);
            written == Ok(EVENTS.len()) && made[..] == *EVENTS
        });
    let expected = [env!("INT8_EVENTS"), env!("INT8_WORDS"), env!("INT8_ODD")].map(|text| text.parse::<u64>().unwrap());
    for (found, expected) in found.iter().zip(expected) {
        println!("bits {found:016x}, desktop {expected:016x}");
    }
    println!("rounded here: {}", if is_same { "the same file" } else { "ANOTHER FILE" });
    let good = found == expected && is_same && cost <= LIMIT;
    println!("{}", if good { "the same bits, within the limit" } else { "THE BITS DIFFER, OR BEYOND THE LIMIT" });
    semihosting::process::exit(i32::from(!good))
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    println!("{info}");
    fail()
}
