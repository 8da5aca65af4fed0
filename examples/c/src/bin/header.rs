//! Writes `include/rnnlm.h` from this package's source, the library's structs and its errors. With `--check` it only
//! compares; so a header that is out of date doesn't pass.

use std::{env, error::Error, fs, path::Path};

#[allow(dead_code)]
#[path = "../errors.rs"]
mod errors;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Rust's types and C's.
const TYPES: [(&str, &str); 16] = [
    ("usize", "size_t"),
    ("u8", "uint8_t"),
    ("u32", "uint32_t"),
    ("u64", "uint64_t"),
    ("f32", "float"),
    ("c_char", "char"),
    ("c_void", "void"),
    ("Status", "rnnlm_status"),
    ("Config", "rnnlm_config"),
    ("Memory", "rnnlm_memory"),
    ("TrainingState", "rnnlm_training"),
    ("Candidate", "rnnlm_candidate"),
    ("Score", "rnnlm_score"),
    ("Rng", "rnnlm_rng"),
    ("Sink", "rnnlm_sink"),
    ("Model", "rnnlm_model"),
];
const HANDLES: [(&str, &str, &str); 3] = [
    ("Model", "MODEL_WORDS", "A model over memory of the caller."),
    ("Learner", "LEARNER_WORDS", "Learns from a stream of events while it comes: predicts, scores, learns."),
    ("Predictor", "PREDICTOR_WORDS", "Predicts from weights that are only read: a model's, or a file's in flash."),
];
/// Where structs are, in their order in the header.
const STRUCTS: [(&str, &str); 6] = [
    ("../../src/config.rs", "Config"),
    ("../../src/model/memory.rs", "Memory"),
    ("src/model.rs", "Score"),
    ("../../src/prediction/sampling.rs", "Candidate"),
    ("src/sampling.rs", "Rng"),
    ("../../src/training/state.rs", "TrainingState"),
];
const FUNCTIONS: [(&str, &str); 7] = [
    ("src/status.rs", "What went wrong"),
    ("src/cell.rs", "The cell of all models"),
    ("src/model.rs", "Models"),
    ("src/learner.rs", "Learning from events"),
    ("src/predictor.rs", "Predicting"),
    ("src/sampling.rs", "From probabilities to words"),
    ("src/file.rs", "Files"),
];
/// The columns of a line at most.
const COLUMNS: usize = 100;

fn main() -> Result<()> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let header = header(package)?;
    let path = package.join("include/rnnlm.h");
    if env::args().any(|argument| argument == "--check") {
        let found = fs::read_to_string(&path)?;
        if found != header {
            return Err("include/rnnlm.h is not what `cargo run --bin header` writes: run it".into());
        }
    } else {
        fs::write(path, header)?;
    }
    Ok(())
}

fn header(package: &Path) -> Result<String> {
    let read = |path: &str| fs::read_to_string(package.join(path)).map_err(|error| format!("{path}: {error}"));
    check_version(&read("../../Cargo.toml")?)?;
    check_errors(&read("../../src/error/any.rs")?)?;
    let handles = read("src/handles.rs")?;
    let mut text = PROLOGUE.replace("VERSION_HERE", env!("CARGO_PKG_VERSION"));
    text += &list_of_errors();
    text += &MACROS
        .replace("TANH_HEADER_HERE", &longest_header::<rnnlm::TanhCell>(1)?.to_string())
        .replace("LSTM_HEADER_HERE", &longest_header::<rnnlm::LstmCell>(2)?.to_string())
        .replace("IGNORE_HERE", &format!("((uint32_t)0x{:x}u)", rnnlm::IGNORE));
    for (path, name) in STRUCTS {
        text += &c_struct(&read(path)?, name)?;
    }
    text += &comment(HANDLES_ARE, "");
    text.push('\n');
    for (name, words, what) in HANDLES {
        let count = between(&handles, &format!("pub const {words}: usize = "), ";").ok_or(words)?;
        let name = c_type(name)?;
        text += &format!("/* {what} */\ntypedef struct {name} {{\n    uintptr_t opaque[{count}];\n}} {name};\n\n");
    }
    let sink = read("src/file.rs")?;
    let at = sink.find("pub type Sink").ok_or("Sink")?;
    let docs = documentation_before(&sink, at)?;
    let parameters = between(&sink[at..], "fn(", ") ->").ok_or("Sink")?;
    text += &format!("{}typedef rnnlm_status (*rnnlm_sink)({});\n\n", comment(&docs, ""), c_parameters(parameters)?);
    for (path, title) in FUNCTIONS {
        text += &format!("/* ---- {title} ---- */\n\n");
        text += &functions(&read(path)?)?;
    }
    Ok(text + EPILOGUE)
}

/// This package's version must be the library's.
fn check_version(manifest: &str) -> Result<()> {
    let library = between(manifest, "\nversion = \"", "\"").ok_or("no version")?;
    if library == env!("CARGO_PKG_VERSION") { Ok(()) } else { Err(format!("the library is {library}").into()) }
}

/// The library's list of codes, as far as C can meet them, must be that of `errors`.
fn check_errors(documentation: &str) -> Result<()> {
    let list = between(documentation, "/// ```text\n", "/// ```").ok_or("no list of codes")?;
    let mut group = "";
    for line in list.lines() {
        let mut words = line.trim_start_matches("///").split_whitespace().peekable();
        while let Some(word) = words.next() {
            let Ok(code) = word.parse::<u16>() else {
                group = word.strip_suffix("Error").ok_or(word)?;
                continue;
            };
            let name = format!("{}_{}", screaming(group), screaming(words.next().ok_or(word)?));
            let is_here = errors::ALL.iter().any(|error| error.code == code && error.name == name);
            // texts, epochs, instruction sets by name and flash are not for C
            if !is_here && !["Corpus", "Train", "Isa", "Slot"].contains(&group) {
                return Err(format!("src/errors.rs lacks {name}, {code}").into());
            }
        }
    }
    if errors::ALL.is_sorted_by(|a, b| a.code < b.code) { Ok(()) } else { Err("errors are not in order".into()) }
}

fn screaming(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(c.to_ascii_uppercase());
    }
    text
}

fn list_of_errors() -> String {
    let mut text =
        String::from("/* Errors, by what they are about. The text is what rnnlm_error_message tells. */\nenum {\n");
    text += "    /* done */\n    RNNLM_OK = 0";
    for errors::Named { name, code, text: words } in &errors::ALL {
        text += &format!(",\n{}    RNNLM_ERROR_{name} = {code}", comment(words, "    "));
    }
    let count = errors::ALL.len();
    text + &format!("\n}};\n\n/* How many errors there are. */\n#define RNNLM_ERRORS {count}\n\n")
}

/// Bytes in front of a file's numbers at most: those of the smallest model, whose numbers have as few digits as can be,
/// with ten digits for each of the 35 numbers.
fn longest_header<C: rnnlm::Cell>(states: usize) -> Result<usize> {
    let smallest = rnnlm::Config { vocab_size: 1, wordvec_size: 1, hidden_size: 1, batch_size: 1, time_size: 1 };
    let data = 4 * (smallest.memory_of::<C>()?.weights + states) + 80 + 4;
    Ok(rnnlm::Checkpoint::<C>::encoded_len_as(smallest, 0)? - data + 35 * 9)
}

fn between<'t>(text: &'t str, start: &str, end: &str) -> Option<&'t str> {
    let text = &text[text.find(start)? + start.len()..];
    Some(&text[..text.find(end)?])
}

/// The documentation in front of a place; attributes may stand in between.
fn documentation_before(text: &str, at: usize) -> Result<String> {
    let mut docs: Vec<_> = text[..at]
        .lines()
        .rev()
        .skip_while(|line| line.starts_with("#["))
        .take_while(|line| line.starts_with("///"))
        .map(|line| line.trim_start_matches("///").trim_start())
        .collect();
    docs.reverse();
    if docs.is_empty() { Err(format!("{:.60} has no documentation", &text[at..]).into()) } else { Ok(docs.join("\n")) }
}

/// Without the marks of Rust's documentation, and up to its examples.
fn plain(docs: &str) -> String {
    let docs = docs.split("```").next().unwrap_or("");
    let mut text = String::new();
    let mut rest = docs;
    while let Some(at) = rest.find("](") {
        let (before, name) = rest[..at].rsplit_once('[').unwrap_or((&rest[..at], ""));
        text += before;
        // names of Rust's types are words here
        text += &name.to_lowercase();
        rest = rest[at..].find(')').map_or("", |end| &rest[at + end + 1..]);
    }
    (text + rest).replace("[`Config`]", "configuration").replace('`', "").trim().to_string()
}

/// A comment of lines that are short enough; an empty line parts paragraphs.
fn comment(docs: &str, indent: &str) -> String {
    let mut lines = vec![];
    for paragraph in plain(docs).split("\n\n") {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && indent.len() + 3 + line.len() + 1 + word.len() > COLUMNS - 3 {
                lines.push(std::mem::take(&mut line));
            }
            line += if line.is_empty() { "" } else { " " };
            line += word;
        }
        lines.push(line);
    }
    if let [only] = &lines[..] {
        return format!("{indent}/* {only} */\n");
    }
    let body: String = lines.iter().map(|line| format!("{indent} * {line}").trim_end().to_string() + "\n").collect();
    format!("{indent}/*\n{body}{indent} */\n")
}

fn c_type(rust: &str) -> Result<String> {
    let rust = rust.trim();
    if let Some(to) = rust.strip_prefix("*mut ") {
        let to = c_type(to)?;
        return Ok(to.clone() + if to.ends_with('*') { "*" } else { " *" });
    }
    if let Some(to) = rust.strip_prefix("*const ") {
        return Ok(format!("const {} *", c_type(to)?));
    }
    match rust {
        "Learner" | "Predictor" => Ok(format!("rnnlm_{}", rust.to_lowercase())),
        _ => TYPES.iter().find(|(name, _)| *name == rust).map(|(_, c)| c.to_string()).ok_or(rust.into()),
    }
}

/// A name behind its type.
fn declared(name: &str, rust: &str) -> Result<String> {
    if let Some((element, len)) = rust.strip_prefix('[').and_then(|array| array.strip_suffix(']')?.split_once("; ")) {
        return Ok(format!("{} {name}[{len}]", c_type(element)?));
    }
    let of = c_type(rust)?;
    Ok(of.clone() + if of.ends_with('*') { "" } else { " " } + name)
}

fn c_parameters(parameters: &str) -> Result<String> {
    let all: Result<Vec<_>> = parameters
        .split(',')
        .map(str::trim)
        .filter(|parameter| !parameter.is_empty())
        .map(|parameter| {
            let (name, of) = parameter.split_once(": ").ok_or(parameter)?;
            declared(name, of)
        })
        .collect();
    let all = all?;
    Ok(if all.is_empty() { "void".into() } else { all.join(", ") })
}

fn c_struct(source: &str, rust: &str) -> Result<String> {
    let at = source.find(&format!("pub struct {rust} {{")).ok_or(rust)?;
    let docs = documentation_before(source, at)?;
    if !source[..at].rsplit("///").next().is_some_and(|attributes| attributes.contains("#[repr(C)]")) {
        return Err(format!("{rust} has no layout of C").into());
    }
    let fields = between(&source[at..], "{\n", "\n}").ok_or(rust)?;
    let name = c_type(rust)?;
    let mut text = format!("{}typedef struct {name} {{\n", comment(docs.split("\n\n").next().unwrap_or(""), ""));
    let mut docs = String::new();
    for line in fields.lines().map(str::trim) {
        if let Some(words) = line.strip_prefix("///") {
            docs = docs + words.trim() + "\n";
        } else {
            let (field, of) = line.strip_prefix("pub ").and_then(|line| line.split_once(": ")).ok_or(line)?;
            text += &comment(&std::mem::take(&mut docs), "    ");
            text += &format!("    {};\n", declared(field, of.trim_end_matches(','))?);
        }
    }
    Ok(format!("{text}}} {name};\n\n"))
}

/// The declarations of the functions that a file has for C.
fn functions(source: &str) -> Result<String> {
    let mut text = String::new();
    for (at, _) in source.match_indices("#[unsafe(no_mangle)]\n") {
        let signature = between(&source[at..], "extern \"C\" fn ", " {").ok_or("a function without a body")?;
        let (head, result) = signature.rsplit_once(") -> ").ok_or(signature)?;
        let (name, parameters) = head.split_once('(').ok_or(signature)?;
        let (result, parameters) = (c_type(result)?, c_parameters(parameters)?);
        let space = if result.ends_with('*') { "" } else { " " };
        text += &comment(&documentation_before(source, at)?, "");
        text += &wrapped(&format!("{result}{space}{name}("), &parameters);
    }
    Ok(text)
}

/// A declaration in lines that are short enough.
fn wrapped(start: &str, parameters: &str) -> String {
    let mut text = start.to_string();
    let mut column = start.len();
    for (i, parameter) in parameters.split(", ").enumerate() {
        if i > 0 && column + 2 + parameter.len() + 2 > COLUMNS {
            text += ",\n        ";
            column = 8;
        } else if i > 0 {
            text += ", ";
            column += 2;
        }
        text += parameter;
        column += parameter.len();
    }
    text + ");\n\n"
}

const HANDLES_ARE: &str = "Handles: memory of the caller, in which such a thing lives. They may be copied and moved, \
    and own nothing; what is inside is the library's.";

const PROLOGUE: &str = r#"/*
 * rnnlm: a small recurrent language model that trains and runs in the caller's memory.
 *
 * Made by `cargo run --bin header`; don't edit.
 *
 * V vocabulary size, D word vector size, H hidden size, N batch size, T time size.
 *
 * Every function that can fail answers RNNLM_OK or the number of an error, and what it was given is
 * then as it was, unless its text says otherwise. Null pointers, memory that is too short, not
 * aligned or lent already, and handles that were never made are such errors. A pointer through
 * which a function tells something may be null only where its text says so.
 *
 * What no function can check is the caller's: that as much memory is there as is said, that it is
 * not freed or changed while it is lent, and that no two calls which share memory run at the same
 * time, in threads or in interrupts.
 */
#ifndef RNNLM_H
#define RNNLM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the library that this header belongs to. */
#define RNNLM_VERSION "VERSION_HERE"

/* RNNLM_OK, the number of an error, or what a function of the caller answered. */
typedef int32_t rnnlm_status;

typedef char rnnlm_float_has_four_bytes[sizeof(float) == 4 ? 1 : -1];

"#;

const MACROS: &str = r#"/*
 * How much memory is needed, as constants for the sizes of arrays. The results are numbers of
 * elements, of type size_t; products that overflow are refused when the memory is used.
 */

/*
 * The cell of all models: tanh, or with RNNLM_LSTM defined, for a library of that feature, the LSTM:
 * gates, states, what is kept beside them for the backward pass, and the header of a file.
 */
#ifdef RNNLM_LSTM
#define RNNLM_CELL "lstm"
#define RNNLM_GATES 4
#define RNNLM_STATES 2
#define RNNLM_KEPT 5
#define RNNLM_FILE_HEADER LSTM_HEADER_HERE
#else
#define RNNLM_CELL "tanh"
#define RNNLM_GATES 1
#define RNNLM_STATES 1
#define RNNLM_KEPT 0
#define RNNLM_FILE_HEADER TANH_HEADER_HERE
#endif

#define RNNLM_LARGER(a, b) ((size_t)(a) > (size_t)(b) ? (size_t)(a) : (size_t)(b))
#define RNNLM_SMALLER(a, b) ((size_t)(a) < (size_t)(b) ? (size_t)(a) : (size_t)(b))

/* The floats of a model's weights. */
#define RNNLM_WEIGHTS_LEN(V, D, H) \
    (((size_t)(V) + RNNLM_GATES * (size_t)(H)) * ((size_t)(D) + (size_t)(H) + 1))

/* What products pack, in floats, at most: nothing where the processor has no vectors. */
#if defined(__x86_64__) || defined(_M_X64) || defined(__aarch64__) || defined(_M_ARM64)
#define RNNLM_SCRATCH_LEN(V, D, H, R) \
    (RNNLM_SMALLER(((size_t)(V) + (H)) * ((size_t)(H) + 15) + (size_t)(H) * ((size_t)(D) + 15), \
                   98304) + \
     (size_t)(H) * ((size_t)(H) + 15) + 15 + \
     ((V) < 512 && (H) < 512 ? 0 : 192 * ((size_t)(H) + (R)) + (size_t)(R) * ((size_t)(H) + (D))))
#else
#define RNNLM_SCRATCH_LEN(V, D, H, R) ((size_t)0)
#endif

/* The floats of a model's workspace: exactly, or an upper bound where the processor has vectors. */
#define RNNLM_WORKSPACE_LEN(V, D, H, N, T) \
    (2 * RNNLM_STATES * (size_t)(N) * (H) + \
     (size_t)(N) * (T) * \
         (2 * (size_t)(D) + (RNNLM_STATES + RNNLM_KEPT + 1) * (size_t)(H) + (V) + 1) + \
     RNNLM_SCRATCH_LEN(V, D, RNNLM_GATES * (size_t)(H), (size_t)(N) * (T)))

/* The floats of a learner's predictions. */
#define RNNLM_PREDICTION_LEN(V, H) \
    (RNNLM_STATES * (size_t)(H) + RNNLM_LARGER(V, (RNNLM_KEPT ? RNNLM_KEPT : 1) * (size_t)(H)))

/* The ids of a learner's window. */
#define RNNLM_IDS_LEN(T) (2 * (size_t)(T))

/* The floats of a predictor. */
#define RNNLM_PREDICTOR_LEN(V, H) (RNNLM_STATES * (size_t)(H) + RNNLM_PREDICTION_LEN(V, H))

/* The bytes of a file that rnnlm_model_save writes, at most; rnnlm_file_len tells how many. */
#define RNNLM_FILE_LEN(V, D, H, N) \
    (4 * (RNNLM_WEIGHTS_LEN(V, D, H) + RNNLM_STATES * (size_t)(N) * (H)) + 84 + RNNLM_FILE_HEADER)

/* A file whose weights are used where they are begins at a multiple of so many bytes. */
#define RNNLM_FILE_ALIGNMENT 8

/* A target that doesn't count. */
#define RNNLM_IGNORE IGNORE_HERE

"#;

const EPILOGUE: &str = "#ifdef __cplusplus\n}\n#endif\n\n#endif\n";
