//! Promise: a bare file that Python's safetensors writes loads, from NumPy and from PyTorch with its metadata. The
//! files were made by `tests/data/generate/bare_files.py`, which also tells what stands in them. And the header is read
//! as the official reader (0.8.0) reads it: all legal JSON, and nothing else.
#![cfg(feature = "alloc")]

use std::fs;

use rnnlm::{Checkpoint, CheckpointError, Config, SimpleRnnlm, Xorshift};

#[test]
fn bare_files_of_numpy_and_pytorch() {
    let config = Config { vocab_size: 5, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 1 };
    for name in ["numpy", "torch"] {
        let path = format!("{}/tests/data/golden/checkpoint/{name}.safetensors", env!("CARGO_MANIFEST_DIR"));
        let file = fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let checkpoint = Checkpoint::read(&file).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((checkpoint.config(), checkpoint.training(), checkpoint.words().next()), (config, None, None));

        // more rows than the file knows of
        let mut model = SimpleRnnlm::new(Config { batch_size: 2, ..config }, &mut Xorshift::new(1)).unwrap();
        model.set_state(&[0.5; 8]).unwrap();
        checkpoint.load(&mut model).unwrap();
        assert_eq!(model.state(), [0.0; 8], "{name}: no hidden state, so zero");
        let shapes = [(5, 3), (3, 4), (4, 4), (1, 4), (4, 5), (1, 5)];
        for (n, ((tensor, matrix), shape)) in model.weights().named().into_iter().zip(shapes).enumerate() {
            assert_eq!((matrix.rows(), matrix.cols()), shape, "{name}: {tensor}");
            let expected = (0..).map(|i| n as f32 + i as f32 / 64.0);
            let same = matrix.as_slice().iter().copied().eq(expected.take(shape.0 * shape.1));
            assert!(same, "{name}: {tensor} is {:?}", matrix.as_slice());
        }
    }
}

/// What stands in a file's header is found there and nowhere else: a file whose header lies is refused.
#[test]
fn golden_files_changed() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/golden/checkpoint/torch.safetensors");
    let file = fs::read(path).unwrap();
    for (from, to) in [("[4,5]", "[5,4]"), ("\"F32\"", "\"I32\""), ("[0,80]", "[4,84]"), ("rnn.b", "rnn.c")] {
        let (from, to) = (from.as_bytes(), to.as_bytes());
        let at = file.windows(from.len()).position(|bytes| bytes == from).unwrap();
        let mut changed = file.clone();
        changed[at..at + to.len()].copy_from_slice(to);
        assert!(Checkpoint::read(&changed).is_err(), "{}", String::from_utf8_lossy(to));
    }
}

/// The six weights, all of size 1, with the first entry and what stands before it as given.
fn read(first: &[u8]) -> Result<Config, CheckpointError> {
    let mut header = [b"{", first].concat();
    for (name, shape, begin) in [
        ("rnn.Wx", "[1,1]", 4),
        ("rnn.Wh", "[1,1]", 8),
        ("rnn.b", "[1]", 12),
        ("affine.W", "[1,1]", 16),
        ("affine.b", "[1]", 20),
    ] {
        let end = begin + 4;
        let entry = format!(r#","{name}":{{"dtype":"F32","shape":{shape},"data_offsets":[{begin},{end}]}}"#);
        header.extend(entry.bytes());
    }
    header.push(b'}');
    let file = [&(header.len() as u64).to_le_bytes()[..], &header, &[0; 24]].concat();
    Checkpoint::read(&file).map(|checkpoint| checkpoint.config())
}

const EMBED: &str = r#""embed.W":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]}"#;

#[test]
fn any_spelling_of_the_header_is_read() {
    let one = Config { vocab_size: 1, wordvec_size: 1, hidden_size: 1, batch_size: 1, time_size: 1 };
    assert_eq!(read(EMBED.as_bytes()), Ok(one));
    for (from, to) in [
        ("embed.W", r"embed\u002eW"),
        ("embed.W", r"\u0065\u006D\u0062\u0065\u0064\u002E\u0057"),
        ("dtype", r"d\u0074ype"),
        ("shape", r"\u0073hape"),
        ("data_offsets", r"data\u005foffsets"),
        ("F32", r"\u004632"),
        (":", "\t\r\n : \n"),
        ("[1,1]", " [ 1 , 1 ] "),
    ] {
        assert!(EMBED.contains(from));
        assert_eq!(read(EMBED.replacen(from, to, 1).as_bytes()), Ok(one), "{to}");
    }
    let nested = "[".repeat(31) + &"]".repeat(31);
    let values = [
        "0",
        "-0",
        "1",
        "-12",
        "0.5",
        "-0.0",
        "1e5",
        "1E+05",
        "2.5e-0",
        "18446744073709551616",
        "true",
        "false",
        "null",
        r#""""#,
        "[]",
        "{}",
        "[[]]",
        "[{}]",
        r#"{"":[]}"#,
        r#"[1,"a",{"b":{"c":[null,true]},"d":0},[]]"#,
        r#"{"dtype":{"shape":[-1]}}"#,
        " [ 1 , { \"a\" : 2 } ] ",
        &nested,
    ];
    for value in values {
        for (from, to) in [("{", format!(r#"{{"x":{value},"#)), ("}", format!(r#","x":{value},"x":{value}}}"#))] {
            assert_eq!(read(EMBED.replacen(from, &to, 1).as_bytes()), Ok(one), "{value}");
        }
    }
    for string in [
        r#"\" \\ \/ \b \f \n \r \t"#,
        r"\u0000 \uFFFF \u00e4 \ud7ff \uE000",
        r"\ud83d\ude00",
        r"a\uD800\uDC00\udbff\udfffb",
        "\x7f",
        "世界",
        r"\\u12",
        "",
    ] {
        let metadata = format!(r#""__metadata__":{{"{string}":"{string}"}},{EMBED}"#);
        assert_eq!(read(metadata.as_bytes()), Ok(one), "{string}");
        let field = EMBED.replacen('{', &format!(r#"{{"{string}":["{string}"],"#), 1);
        assert_eq!(read(field.as_bytes()), Ok(one), "{string}");
    }
    for metadata in ["null", "{}", " { } ", r#"{"a":"b","c":"d"}"#] {
        for name in ["__metadata__", r"\u005f_metadata_\u005F"] {
            assert_eq!(read(format!(r#""{name}":{metadata},{EMBED}"#).as_bytes()), Ok(one), "{metadata}");
        }
    }
}

#[test]
fn a_header_that_is_not_json_is_refused() {
    let is_refused = |first: &[u8]| matches!(read(first), Err(CheckpointError::Header { .. }));
    // a value: of a foreign field, and of the shape
    let deep = "[".repeat(32) + &"]".repeat(32);
    let deep_object = "{\"a\":".repeat(32) + "1" + &"}".repeat(32);
    let deep_and_open = "{\"a\":".to_owned() + &"[".repeat(31) + &"]".repeat(31);
    for value in [
        "+1",
        "01",
        "-01",
        "00",
        ".5",
        "1.",
        "1.e5",
        "1e",
        "1e+",
        "1e+-1",
        "--1",
        "-",
        "- 1",
        "0x1",
        "1_0",
        "1 0",
        "1f",
        "Infinity",
        "NaN",
        "tru",
        "truee",
        "True",
        "nul",
        "n",
        "",
        ",",
        "[1,]",
        "[,1]",
        "[1,,1]",
        "[1 1]",
        "[1",
        "1]",
        "[1}",
        "{1}",
        r#"{"a":1]"#,
        r#"{"a"}"#,
        r#"{"a":}"#,
        r#"{"a":1,}"#,
        r#"{,"a":1}"#,
        r#"{"a":1 "b":2}"#,
        r#"{"a" 1}"#,
        "{a:1}",
        "{'a':1}",
        "'a'",
        "a",
        "/**/1",
        "1//\n",
        "[1;1]",
        "\x0c1",
        "1\x0c",
        "\x0b1",
        "\u{a0}1",
        "\u{feff}1",
        "\0",
        "{1:1}",
        "{null:1}",
        r#"{"a":1,"b"}"#,
        "]",
        "}",
        &deep,
        &deep_object,
        &deep_and_open,
    ] {
        let field = EMBED.replacen('{', &format!(r#"{{"x":{value},"#), 1);
        assert!(is_refused(field.as_bytes()), "a field {value:?}: {:?}", read(field.as_bytes()));
        let shape = EMBED.replacen("1,1", &format!("1,{value}"), 1);
        assert!(is_refused(shape.as_bytes()), "a size {value:?}: {:?}", read(shape.as_bytes()));
    }
    // legal, but no size
    for value in ["1.0", "1e0", "-1", "-0", "\"1\"", "null", "[1]", "{}", "18446744073709551616"] {
        let shape = EMBED.replacen("1,1", &format!("1,{value}"), 1);
        assert!(is_refused(shape.as_bytes()), "{value}");
    }
    for string in [
        r"\u12",
        r"\u",
        r"\u12x",
        r"\uZZZZ",
        r"\u+123",
        r"\u 123",
        r"\u-123",
        r"\u12\u0034",
        r"\U0041",
        r"\x41",
        r"\a",
        r"\'",
        r"\0",
        r"\v",
        r"\ ",
        r"\ud800",
        r"\udc00",
        r"\ud800 ",
        r"\ud800x",
        r"\ud800\n",
        r"\ud800\\",
        r"\ud800\u0041",
        r"\ud800\ud800",
        r"\ude00\ud83d",
        r"\ud83d \ude00",
        r"\ud83d\ude00\ude00",
        r"\ud83d\uZZZZ",
        r"\ud83d\u12",
        "\0",
        "\x01",
        "\x1f",
        "\n",
        "\t",
        r#"a"b"#,
        "\\",
    ] {
        for metadata in [format!(r#"{{"a":"{string}"}}"#), format!(r#"{{"{string}":"a"}}"#)] {
            let first = format!(r#""__metadata__":{metadata},{EMBED}"#);
            assert!(is_refused(first.as_bytes()), "{string:?}: {:?}", read(first.as_bytes()));
        }
        let field = EMBED.replacen('{', &format!(r#"{{"x":"{string}","#), 1);
        assert!(is_refused(field.as_bytes()), "{string:?}");
        assert!(read(EMBED.replacen("F32", string, 1).as_bytes()).is_err(), "a type {string:?}");
        assert!(is_refused(EMBED.replacen("embed.W", string, 1).as_bytes()), "a name {string:?}");
    }
    for metadata in [
        "true",
        "[]",
        "1",
        "\"a\"",
        "nul",
        r#"{"a":1}"#,
        r#"{"a":null}"#,
        r#"{"a":{}}"#,
        r#"{"a":["b"]}"#,
        r#"{"a":"b"},"#,
        r#"{"a":"b",}"#,
        r#"{"a"}"#,
    ] {
        assert!(is_refused(format!(r#""__metadata__":{metadata},{EMBED}"#).as_bytes()), "{metadata}");
    }
    // an entry that is none, in part or twice told
    let fields = [r#""dtype":"F32""#, r#""shape":[1,1]"#, r#""data_offsets":[0,4]"#];
    let list = fields.join(",");
    for entry in [
        "null".to_owned(),
        "[]".to_owned(),
        r#"["F32",[1,1],[0,4]]"#.to_owned(),
        "{}".to_owned(),
        format!("{{{list},}}"),
        format!("{{,{list}}}"),
        format!("{{{list},{}}}", fields[0]),
        format!("{{{list},{}}}", fields[1]),
        format!("{{{list},{}}}", fields[2]),
        format!(r#"{{{list},"\u0064type":"F32"}}"#),
        format!("{{{}}}", fields[..2].join(",")),
        format!("{{{}}}", fields[1..].join(",")),
        format!("{{{}}}", list.replacen("\"F32\"", "1", 1)),
        format!("{{{}}}", list.replacen("[1,1]", "1", 1)),
    ] {
        assert!(is_refused(format!(r#""embed.W":{entry}"#).as_bytes()), "{entry}");
    }
    for first in
        [format!("{EMBED},"), format!(",{EMBED}"), EMBED.replace(':', ","), EMBED.replace(':', "="), String::new()]
    {
        assert!(is_refused(first.as_bytes()), "{first}");
    }
    // no UTF-8, wherever it stands
    for bad in [&b"\xff"[..], b"\xc3", b"\xed\xa0\x80", b"\xc0\x80"] {
        for first in ["\"__metadata__\":{\"a\":\"?\"},", "\"?\":1,", "? "] {
            let (before, after) = first.split_once('?').unwrap();
            assert!(is_refused(&[before.as_bytes(), bad, after.as_bytes(), EMBED.as_bytes()].concat()), "{first}");
        }
    }
}

#[test]
fn a_name_given_twice_is_refused_however_it_is_spelt() {
    for (twice, at) in [
        (format!("{EMBED},{EMBED}"), EMBED.len() + 2),
        (format!("{EMBED},{}", EMBED.replacen('.', r"\u002e", 1)), EMBED.len() + 2),
        (format!(r#""__metadata__":null,"__metadata__":{{}},{EMBED}"#), 21),
        (format!(r#""__metadata__":{{}},"__metadata\u005f_":null,{EMBED}"#), 19),
    ] {
        assert_eq!(read(twice.as_bytes()), Err(CheckpointError::Duplicate { at }), "{twice}");
    }
    // no name of ours, whatever it looks like undecoded
    for name in
        [r"embed\u002fW", r"em\bed.W", r"embed\u012eW", r"embed.W\u0000", r"embed.\ud835\udc16", "embed.", "embed.WW"]
    {
        let first = EMBED.replacen("embed.W", name, 1);
        assert_eq!(read(first.as_bytes()), Err(CheckpointError::UnknownTensor { at: 1 }), "{name}");
    }
}
