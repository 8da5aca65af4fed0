//! Promise: a damaged or forged checkpoint is a typed error, never a panic, never memory, never a changed model.
//!
//! Files are damaged in every single bit and at every length, and a hundred thousand mutants are made on purpose, three
//! of four with a right checksum, so that the checks behind it are reached.
#![cfg(feature = "alloc")]

use rnnlm::{
    Checkpoint, CheckpointError, Config, ConfigError, CorpusError, SimpleRnnlm, TrainingState, Vocabulary, Xorshift,
};

const E: Config = Config { vocab_size: 64, wordvec_size: 16, hidden_size: 32, batch_size: 1, time_size: 8 };
const TINY: Config = Config { vocab_size: 3, wordvec_size: 2, hidden_size: 4, batch_size: 2, time_size: 3 };

fn words(config: &Config) -> String {
    (0..config.vocab_size).map(|i| format!("wörd{i}\n")).collect()
}

fn complete(config: Config) -> Vec<u8> {
    let model = SimpleRnnlm::new(config, &mut Xorshift::new(1)).unwrap();
    let words = words(&config);
    let mut file = vec![0; Checkpoint::encoded_len(config, words.len()).unwrap()];
    assert_eq!(Checkpoint::write(&model, &TrainingState::default(), &words, &mut file), Ok(file.len()));
    file
}

/// Header text and data.
fn parts(file: &[u8]) -> (String, &[u8]) {
    let len = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    (String::from_utf8(file[8..8 + len].to_vec()).unwrap(), &file[8 + len..])
}

fn assemble(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

/// CRC-32, bit by bit.
pub fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |register: u32, &byte| {
        (0..8).fold(register ^ u32::from(byte), |r, _| if r & 1 == 1 { r >> 1 ^ 0xedb8_8320 } else { r >> 1 })
    })
}

fn with_right_checksum(mut file: Vec<u8>) -> Vec<u8> {
    let end = file.len() - 4;
    let checksum = crc32(&file[..end]).to_le_bytes();
    file[end..].copy_from_slice(&checksum);
    file
}

/// The six weights alone, in the given order, with ones for data.
fn bare(config: &Config, order: [usize; 6], metadata: &str) -> Vec<u8> {
    let Config { vocab_size: v, wordvec_size: d, hidden_size: h, .. } = *config;
    let tensors = [
        ("embed.W", vec![v, d]),
        ("rnn.Wx", vec![d, h]),
        ("rnn.Wh", vec![h, h]),
        ("rnn.b", vec![h]),
        ("affine.W", vec![h, v]),
        ("affine.b", vec![v]),
    ];
    let (mut entries, mut at) = (Vec::new(), 0);
    for i in order {
        let (name, shape) = &tensors[i];
        let end = at + 4 * shape.iter().product::<usize>();
        entries.push(format!(r#" "{name}" : {{"data_offsets":[{at},{end}], "dtype":"F32","shape":{shape:?}}}"#));
        at = end;
    }
    let data: Vec<u8> = (0..at / 4).flat_map(|i| (i as f32).to_le_bytes()).collect();
    assemble(&format!("{{{metadata}{}}}  ", entries.join(",")), &data)
}

#[test]
fn a_complete_file_is_what_its_description_says() {
    let file = complete(TINY);
    let (header, data) = parts(&file);
    assert_eq!(
        header.trim_end(),
        concat!(
            r#"{"embed.W":{"dtype":"F32","shape":[3,2],"data_offsets":[0,24]},"#,
            r#""rnn.Wx":{"dtype":"F32","shape":[2,4],"data_offsets":[24,56]},"#,
            r#""rnn.Wh":{"dtype":"F32","shape":[4,4],"data_offsets":[56,120]},"#,
            r#""rnn.b":{"dtype":"F32","shape":[4],"data_offsets":[120,136]},"#,
            r#""affine.W":{"dtype":"F32","shape":[4,3],"data_offsets":[136,184]},"#,
            r#""affine.b":{"dtype":"F32","shape":[3],"data_offsets":[184,196]},"#,
            r#""rnnlm.state":{"dtype":"F32","shape":[2,4],"data_offsets":[196,228]},"#,
            r#""rnnlm.vocabulary":{"dtype":"U8","shape":[21],"data_offsets":[228,249]},"#,
            r#""rnnlm.training":{"dtype":"U8","shape":[80],"data_offsets":[249,329]},"#,
            r#""rnnlm.crc32":{"dtype":"U8","shape":[4],"data_offsets":[329,333]}}"#,
        )
    );
    assert_eq!((file.len() - data.len()) % 8, 0, "the data is aligned");
    assert_eq!(&data[228..249], "wörd0\nwörd1\nwörd2\n".as_bytes());
    assert_eq!(with_right_checksum(file.clone()), file);
    let model = SimpleRnnlm::new(TINY, &mut Xorshift::new(1)).unwrap();
    let weights: Vec<u8> = model.weights_block().iter().flat_map(|x| x.to_le_bytes()).collect();
    assert_eq!(data[..196], weights);

    let checkpoint = Checkpoint::read(&file).unwrap();
    assert_eq!((checkpoint.config(), checkpoint.training()), (TINY, Some(TrainingState::default())));
    assert!(checkpoint.words().eq(["wörd0", "wörd1", "wörd2"]));
}

#[test]
fn a_bare_file_is_read_in_any_order() {
    for (order, metadata) in [
        ([0, 1, 2, 3, 4, 5], ""),
        ([5, 3, 0, 4, 2, 1], r#""__metadata__":{"format":"pt","a \"b\" \\ \u00e4":"{}"},"#),
        ([1, 0, 5, 2, 3, 4], r#""__metadata__":{},"#),
    ] {
        let file = bare(&TINY, order, metadata);
        let checkpoint = Checkpoint::read(&file).unwrap();
        assert_eq!(checkpoint.config(), Config { batch_size: 1, time_size: 1, ..TINY });
        assert_eq!((checkpoint.training(), checkpoint.words().count()), (None, 0));
        let mut model = SimpleRnnlm::new(TINY, &mut Xorshift::new(1)).unwrap();
        model.set_state(&[0.5; 8]).unwrap();
        checkpoint.load(&mut model).unwrap();
        assert_eq!(model.state(), [0.0; 8], "the state of other weights is gone");
        // the elements count up through the file
        let first = order.iter().position(|&i| i == 0).unwrap();
        let before: usize = order[..first].iter().map(|&i| [6, 8, 16, 4, 12, 3][i]).sum();
        assert_eq!(model.weights().embed_w.get(0, 1), Some(before as f32 + 1.0));
    }
}

#[test]
fn every_truncation_and_every_flipped_bit_is_found() {
    let file = complete(E);
    assert!(Checkpoint::read(&file).is_ok());
    for len in 0..file.len() {
        let error = match len {
            1..8 => CheckpointError::NotSafetensors,
            _ => CheckpointError::Truncated,
        };
        assert_eq!(Checkpoint::read(&file[..len]).err(), Some(error), "cut to {len} bytes");
    }
    for extra in [0, b' ', 255] {
        assert!(Checkpoint::read(&[&file[..], &[extra]].concat()).is_err(), "a byte {extra} behind the end");
    }
    let mut damaged = file.clone();
    for bit in 0..8 * file.len() {
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(Checkpoint::read(&damaged).is_err(), "bit {bit}");
        damaged[bit / 8] = file[bit / 8];
    }
    assert!(Checkpoint::read(&damaged).is_ok());
}

#[test]
fn what_is_wrong_has_a_name() {
    use CheckpointError as Error;
    let file = complete(TINY);
    let (header, data) = parts(&file);
    let complete_with = |from: &str, to: &str| {
        assert!(header.contains(from), "{from}");
        with_right_checksum(assemble(&header.replacen(from, to, 1), data))
    };
    let bare_file = bare(&TINY, [0, 1, 2, 3, 4, 5], "");
    let (bare_header, bare_data) = parts(&bare_file);
    let bare_with = |from: &str, to: &str| {
        assert!(bare_header.contains(from), "{from}");
        assemble(&bare_header.replacen(from, to, 1), bare_data)
    };
    // the largest size that a target has, and the first that it hasn't: one that ends behind its last digit
    let largest = usize::MAX.to_string();
    let too_large = (usize::MAX as u128 + 1).to_string();
    let named = [
        (vec![], Error::Truncated),
        (assemble("{}", &[]), Error::Missing { tensor: "embed.W" }),
        (assemble("[]", &[]), Error::NotSafetensors),
        (vec![255; 100], Error::NotSafetensors),
        (complete_with("embed.W", "embed.X"), Error::UnknownTensor { at: 1 }),
        (complete_with("rnn.Wx", "embed.W"), Error::Duplicate { at: 63 }),
        (complete_with("F32", "F16"), Error::Type { tensor: "embed.W" }),
        (complete_with("F32", "U8"), Error::Shape { tensor: "embed.W" }),
        (complete_with("[3,2]", "[2,3]"), Error::Shape { tensor: "rnn.Wx" }),
        (complete_with("[3,2]", "[3,2,1]"), Error::Shape { tensor: "embed.W" }),
        (complete_with("[3,2]", "[]"), Error::Shape { tensor: "embed.W" }),
        (complete_with("[3,2]", "[0,2]"), Error::Config(ConfigError::ZeroSize)),
        (complete_with("[3,2]", &format!("[{largest},2]")), Error::Config(ConfigError::TooLarge)),
        (complete_with("[3,2]", &format!("[{too_large},2]")), Error::Header { at: 34 + too_large.len() }),
        (complete_with("[3,2]", "[03,2]"), Error::Header { at: 37 }),
        (complete_with("[3,2]", "[3,-2]"), Error::Header { at: 37 }),
        (complete_with("[0,24]", "[24,0]"), Error::Layout),
        (complete_with("[0,24]", "[0,24,24]"), Error::Layout),
        (complete_with("[0,24]", "[4,28]"), Error::Layout),
        (complete_with("[0,24]", "[0,9999]"), Error::Truncated),
        (complete_with("[24,56]", "[0,32]"), Error::Layout),
        (complete_with("\"dtype\":\"F32\",", ""), Error::Header { at: 48 }),
        (complete_with("\"dtype\":\"F32\",", "\"dtype\":\"F32\",\"dtype\":\"F32\","), Error::Header { at: 26 }),
        (with_right_checksum(assemble(&format!("{header}        "), data)), Error::Layout),
        (complete_with("{\"embed", "{ \"embed"), Error::Layout),
        (with_right_checksum([&file[..], &[0; 4]].concat()), Error::Layout),
        (bare_with("F32", "F64"), Error::Type { tensor: "embed.W" }),
        (bare_with("[3, 2]", "[3, 3]"), Error::Shape { tensor: "embed.W" }),
        (bare_with("rnn.b", "rnn.Wb"), Error::UnknownTensor { at: 204 }),
        (bare_with("[24,56]", "[20,52]"), Error::Layout),
        (bare_with("[0,24]", "[0,20]"), Error::Shape { tensor: "embed.W" }),
        ([&bare_file[..], &[0; 4]].concat(), Error::Layout),
        (bare(&TINY, [0, 1, 2, 3, 4, 5], r#""__metadata__":{"a":1},"#), Error::Header { at: 21 }),
        (bare(&TINY, [0, 1, 2, 3, 4, 5], r#""__metadata__":{},"__metadata__":{},"#), Error::Duplicate { at: 19 }),
        (bare(&TINY, [0, 1, 2, 3, 4, 5], "\"__metadata__\":{\"a\":\"\u{1}\"},"), Error::Header { at: 22 }),
        (bare(&TINY, [0, 1, 2, 3, 4, 5], r#""__metadata__":{"a":"\x"},"#), Error::Header { at: 23 }),
        (bare_with("}}  ", "}} x"), Error::Header { at: bare_header.len() - 1 }),
        ([&bare_file[..8], b"\xff", &bare_file[9..]].concat(), Error::NotSafetensors),
        ([&bare_file[..9], b"\xff", &bare_file[10..]].concat(), Error::Header { at: 0 }),
    ];
    let named = named.into_iter().enumerate();
    let wrong: Vec<_> = named
        .map(|(i, (file, error))| (i, Checkpoint::read(&file).err(), Some(error)))
        .filter(|(_, a, b)| a != b)
        .collect();
    assert!(wrong.is_empty(), "case, got, expected: {wrong:#?}");
    // one of the extra tensors left out: neither complete nor bare
    let at = header.find(r#","rnnlm.training""#).unwrap();
    let cut = format!("{}{}", &header[..at], r#","rnnlm.crc32":{"dtype":"U8","shape":[4],"data_offsets":[329,333]}}"#);
    let missing = with_right_checksum(assemble(&cut, data));
    assert_eq!(Checkpoint::read(&missing).err(), Some(Error::Missing { tensor: "rnnlm.training" }));
    // the values: data begins where the header ends
    let start = file.len() - data.len();
    for (at, bytes, error) in [
        (start, f32::NAN.to_le_bytes(), Error::NotFinite { tensor: "embed.W" }),
        (start + 196, f32::INFINITY.to_le_bytes(), Error::NotFinite { tensor: "rnnlm.state" }),
        (start + 228, *b"\xff\xff\xff\xff", Error::Words),
        (start + 228, *b"a\nb\n", Error::Words), // one line too many
        (start + 249, [2, 0, 0, 0], Error::Version { found: 2 }),
        (start + 253, 0.0_f32.to_le_bytes(), Error::Training),
    ] {
        let mut damaged = file.clone();
        damaged[at..at + 4].copy_from_slice(&bytes);
        assert_eq!(Checkpoint::read(&damaged).err(), Some(Error::Checksum));
        assert_eq!(Checkpoint::read(&with_right_checksum(damaged)).err(), Some(error));
    }
}

#[test]
fn what_is_no_safetensors_file_is_told_so() {
    let long = 100_000_001_u64.to_le_bytes();
    let files: [&[u8]; 10] = [
        b"hello\n",
        b"you say goodbye and i say hello .\n",
        b"{\"embed.W\":[[0.5,0.25]]}",
        b"PK\x03\x04\0\0\x08\x08\0\0\0\0\0\0\0\0\0\0archive/data.pkl",
        b"\x93NUMPY\x01\0v\0{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }",
        b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0",
        &[0; 64],
        b"\x02\0\0\0\0\0\0\0ab",
        b"\xff\0\0\0\0\0\0\0ab",
        &[&long[..], b"{\"embed.W\":"].concat(),
    ];
    for file in files {
        assert_eq!(Checkpoint::read(file).err(), Some(CheckpointError::NotSafetensors), "{}", file.escape_ascii());
    }
    // the longest header that the format allows, of which the file has a part
    let begun = [&100_000_000_u64.to_le_bytes()[..], b"{\"embed.W\":"].concat();
    assert_eq!(Checkpoint::read(&begun).err(), Some(CheckpointError::Truncated));
}

#[test]
fn errors_tell_the_name_of_their_tensor() {
    let config = Config { vocab_size: 10, ..TINY };
    let file = bare(&config, [0, 1, 2, 3, 4, 5], "");
    let (header, data) = parts(&file);
    let long = "model.layers.".repeat(100) + "0.weight";
    for (from, to, name) in [
        ("embed.W", "encoder.weight", "encoder.weight"),
        ("rnn.b", &long, &long),
        ("rnn.b", r#"b \"\\"#, r#"b \"\\"#),
        ("affine.b", "世界", "世界"),
        ("rnn.Wh", r"rnn\u002eWx", r"rnn\u002eWx"), // named before
        ("affine.b", "", ""),
    ] {
        let changed = assemble(&header.replacen(from, to, 1), data);
        let error = Checkpoint::read(&changed).unwrap_err();
        let in_header = matches!(error, CheckpointError::UnknownTensor { .. } | CheckpointError::Duplicate { .. });
        assert!(in_header, "{to}: {error:?}");
        assert_eq!(error.tensor(&changed), Some(name), "{error:?}");
        // another file than the one that was read
        assert_eq!((error.tensor(&[]), error.tensor(&changed[..9])), (None, None));
    }
    let changed = assemble(&header.replacen("F32", "F16", 1), data);
    assert_eq!(Checkpoint::read(&changed).unwrap_err().tensor(&changed), Some("embed.W"));
    assert_eq!(CheckpointError::Checksum.tensor(&file), None);
    assert_eq!(CheckpointError::UnknownTensor { at: usize::MAX }.tensor(&file), None);
}

#[test]
fn a_complete_file_has_one_spelling() {
    let padding = |config: &Config| {
        let file = complete(*config);
        let header = parts(&file).0;
        header.len() - header.trim_end().len()
    };
    let config = (3..2000).map(|vocab_size| Config { vocab_size, ..TINY }).find(|config| padding(config) == 7).unwrap();
    let file = complete(config);
    let (header, data) = parts(&file);
    let first = r#""dtype":"F32","shape":[2,4]"#;
    let vectors = header.find(r#""rnn.b""#).unwrap()..header.find(r#","affine.W""#).unwrap();
    let moved = format!(r#"{{{},"embed.W""#, &header[vectors.clone()]);
    let other_order =
        (header[..vectors.start - 1].to_owned() + &header[vectors.end..]).replacen(r#"{"embed.W""#, &moved, 1);
    for changed in [
        header.replacen("embed.W", r"embed\u002eW", 1),
        header.replacen("F32", r"F\u00332", 1),
        header.replacen("}", r#","x":1}"#, 1),
        header.replacen("{", r#"{"__metadata__":null,"#, 1),
        header.replacen(":", ": ", 1),
        header.replacen(first, r#""shape":[2,4],"dtype":"F32""#, 1),
        other_order,
        format!("{} ", header.trim_end()),
        header.trim_end().to_owned(),
        format!("{header} "),
        format!("{header}        "),
        format!("{}\n", &header[..header.len() - 1]),
        format!("\t{}", &header[..header.len() - 1]),
    ] {
        // as it is, and padded as it should be, where it fits to the length of the right one
        let padded = format!("{:len$}", changed.trim_end(), len = changed.trim_end().len().next_multiple_of(8));
        for changed in [changed, padded].into_iter().filter(|changed| *changed != header) {
            let refused = Checkpoint::read(&with_right_checksum(assemble(&changed, data))).err();
            let begins = changed.starts_with('{');
            let expected = if begins { CheckpointError::Layout } else { CheckpointError::NotSafetensors };
            assert_eq!(refused, Some(expected), "{changed:?}");
        }
    }
    assert!(Checkpoint::read(&with_right_checksum(assemble(&header, data))).is_ok());
}

#[test]
fn a_header_that_only_looks_like_json_is_refused() {
    let mut file = bare(&TINY, [0, 1, 2, 3, 4, 5], r#""__metadata__":{"a":"?"},"#);
    assert!(Checkpoint::read(&file).is_ok());
    let at = file.iter().position(|&byte| byte == b'?').unwrap();
    file[at] = 0xff;
    assert_eq!(Checkpoint::read(&file).err(), Some(CheckpointError::Header { at: 0 }), "no UTF-8, in a string");
    // a comma too many, in each kind of list
    for (metadata, from, to) in
        [("", "}}", "},}"), ("", "[3, 2]", "[3, 2,]"), (r#""__metadata__":{"a":"b"},"#, "\"b\"", "\"b\",")]
    {
        let file = bare(&TINY, [0, 1, 2, 3, 4, 5], metadata);
        let (header, data) = parts(&file);
        assert!(header.contains(from));
        let refused = Checkpoint::read(&assemble(&header.replacen(from, to, 1), data)).err();
        assert!(matches!(refused, Some(CheckpointError::Header { .. })), "{to}: {refused:?}");
    }
}

#[test]
fn a_vector_that_stands_as_a_matrix_and_a_weight_of_bytes_are_refused() {
    // ten words, whose header is padded: two of the spaces make room, so that it is as long as before
    let file = complete(Config { vocab_size: 10, ..TINY });
    let (header, data) = parts(&file);
    let changed = header.replacen("\"shape\":[4],", "\"shape\":[4,1],", 1);
    let changed = changed.strip_suffix("  ").unwrap();
    let refused = Checkpoint::read(&with_right_checksum(assemble(changed, data))).err();
    assert_eq!(refused, Some(CheckpointError::Shape { tensor: "rnn.b" }));

    let file = bare(&TINY, [0, 1, 2, 3, 4, 5], "");
    let (header, data) = parts(&file);
    for (from, to, tensor) in [("[4]", "[4,1]", "rnn.b"), ("F32", "U8", "embed.W")] {
        assert!(header.contains(from));
        let refused = Checkpoint::read(&assemble(&header.replacen(from, to, 1), data)).err();
        assert_eq!(refused, Some(CheckpointError::Shape { tensor }));
    }
}

#[test]
fn a_refused_or_unfitting_file_leaves_the_model() {
    let mut model = SimpleRnnlm::new(TINY, &mut Xorshift::new(1)).unwrap();
    model.set_state(&[0.5; 8]).unwrap();
    let before = (model.weights_block().to_vec(), model.state().to_vec());
    for other in [
        Config { vocab_size: 4, ..TINY },
        Config { wordvec_size: 3, ..TINY },
        Config { hidden_size: 5, ..TINY },
        // as many weights, and in other shapes
        Config { vocab_size: 5, wordvec_size: 7, hidden_size: 3, ..TINY },
    ] {
        let file = complete(other);
        let refused = Checkpoint::read(&file).unwrap().load(&mut model);
        assert_eq!(refused, Err(CheckpointError::OtherSizes));
        assert_eq!((model.weights_block().to_vec(), model.state().to_vec()), before);
    }
    // another N: the weights fit, the state doesn't
    let file = complete(Config { batch_size: 3, time_size: 1, ..TINY });
    Checkpoint::read(&file).unwrap().load(&mut model).unwrap();
    assert_eq!(model.state(), [0.0; 8]);
}

#[test]
fn a_hidden_state_of_another_batch_size_is_not_loaded() {
    let mut other = SimpleRnnlm::new(Config { batch_size: 3, ..TINY }, &mut Xorshift::new(1)).unwrap();
    other.set_state(&[0.5; 12]).unwrap();
    let mut file = vec![0; Checkpoint::encoded_len(other.config(), 0).unwrap()];
    Checkpoint::write(&other, &TrainingState::default(), "", &mut file).unwrap();
    let mut model = SimpleRnnlm::new(TINY, &mut Xorshift::new(2)).unwrap();
    model.set_state(&[0.25; 8]).unwrap();
    Checkpoint::read(&file).unwrap().load(&mut model).unwrap();
    assert_eq!((model.weights_block(), model.state()), (other.weights_block(), &[0.0; 8][..]));
}

#[test]
fn whether_it_is_stateful_comes_back_for_every_batch_size() {
    for is_stateful in [false, true] {
        let saved = SimpleRnnlm::new(TINY, &mut Xorshift::new(1)).unwrap().with_stateful(is_stateful);
        let mut file = vec![0; Checkpoint::encoded_len(TINY, 0).unwrap()];
        Checkpoint::write(&saved, &TrainingState::default(), "", &mut file).unwrap();
        for batch_size in [1, 2, 3] {
            let fresh = SimpleRnnlm::new(Config { batch_size, ..TINY }, &mut Xorshift::new(2)).unwrap();
            let mut model = fresh.with_stateful(!is_stateful);
            Checkpoint::read(&file).unwrap().load(&mut model).unwrap();
            assert_eq!(model.is_stateful(), is_stateful, "N = {batch_size}");
        }
    }
}

#[test]
fn what_could_not_be_read_is_not_written() {
    let mut model = SimpleRnnlm::new(TINY, &mut Xorshift::new(1)).unwrap();
    let mut file = vec![0; Checkpoint::encoded_len(TINY, 6).unwrap()];
    let good = TrainingState::default();
    assert_eq!(Checkpoint::write(&model, &good, "a\nb\n", &mut file), Err(CheckpointError::Words));
    assert_eq!(Checkpoint::write(&model, &good, "a\nb\nc", &mut file), Err(CheckpointError::Words));
    let bad = TrainingState { learning_rate: f32::NAN, ..good };
    assert_eq!(Checkpoint::write(&model, &bad, "a\nb\nc\n", &mut file), Err(CheckpointError::Training));
    let (needed, given) = (file.len(), file.len() - 1);
    let short = Checkpoint::write(&model, &good, "a\nb\nc\n", &mut file[..given]);
    assert_eq!(short, Err(CheckpointError::BufferLength { needed, given }));
    model.weights_mut().affine_b.as_mut_slice()[1] = f32::NAN;
    let refused = Checkpoint::write(&model, &good, "a\nb\nc\n", &mut file);
    assert_eq!(refused, Err(CheckpointError::NotFinite { tensor: "affine.b" }));
}

#[test]
fn a_word_behind_the_last_line_is_not_written() {
    let model = SimpleRnnlm::new(TINY, &mut Xorshift::new(1)).unwrap();
    let words = "a\nb\nc\nd";
    let mut file = vec![0; Checkpoint::encoded_len(TINY, words.len()).unwrap()];
    let refused = Checkpoint::write(&model, &TrainingState::default(), words, &mut file);
    assert_eq!(refused, Err(CheckpointError::Words));
}

#[test]
fn a_word_given_twice_is_not_written() {
    let config = Config { vocab_size: 6, ..TINY };
    let model = SimpleRnnlm::new(config, &mut Xorshift::new(1)).unwrap();
    for words in [
        "a\nb\nc\nd\ne\nf\n",
        "a\nb\na\nb\na\nc\n",
        "\n\na\nb\nc\nd\n",
        "a\nab\nb\nabc\naa\naa\n",
        "\r\n\na\n\r\nb\nc\n",
    ] {
        let mut file = vec![0; Checkpoint::encoded_len(config, words.len()).unwrap()];
        let written = Checkpoint::write(&model, &TrainingState::default(), words, &mut file);
        match Vocabulary::from_words(words.split_terminator('\n')) {
            Ok(_) => assert_eq!(written, Ok(file.len()), "{words:?}"),
            Err(CorpusError::DuplicateWord { id }) => {
                assert_eq!(written, Err(CheckpointError::DuplicateWord { id }), "{words:?}");
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_hidden_state_that_is_not_finite_is_not_written() {
    let mut model = SimpleRnnlm::new(TINY, &mut Xorshift::new(1)).unwrap();
    let mut file = vec![0; Checkpoint::encoded_len(TINY, 0).unwrap()];
    for bad in [f32::NAN, f32::NEG_INFINITY] {
        model.set_state(&[0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, bad]).unwrap();
        let refused = Checkpoint::write(&model, &TrainingState::default(), "", &mut file);
        assert_eq!(refused, Err(CheckpointError::NotFinite { tensor: "rnnlm.state" }));
    }
}

/// One change of the kinds that a careless program or a malicious one would make.
fn mutate(file: &mut Vec<u8>, rng: &mut Xorshift) {
    const PIECES: [&str; 26] = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        "0",
        "4",
        "-1",
        "1e9",
        "18446744073709551615",
        "99999999999999999999",
        "\"F32\"",
        "\"U8\"",
        "\"dtype\":",
        "\"shape\":[",
        "embed.W",
        "rnnlm.crc32",
        "\"__metadata__\":{}",
        "\u{e9}",
        "\\u002e",
        "\"x\":[{\"y\":-0.5e+3}],",
        "null",
        "\x0c",
    ];
    let header = (u64::from_le_bytes(file[..8].try_into().unwrap()) as usize).min(file.len() - 8);
    let mut place = |len: usize| rng.below(len.max(1) as u32) as usize;
    match place(8) {
        0 => {
            let at = place(file.len());
            file[at] ^= 1 << place(8);
        }
        1 => {
            // a number in the header
            let at = 8 + place(header);
            let digit = file[at..].iter().position(u8::is_ascii_digit).map_or(at, |i| at + i);
            file[digit] = b'0' + place(10) as u8;
        }
        2 => {
            let at = (8 + place(header)).min(file.len());
            let piece = PIECES[place(PIECES.len())].bytes();
            file.splice(at..at, piece);
        }
        3 => {
            let at = 8 + place(header);
            let end = (at + 1 + place(30)).min(file.len());
            file.drain(at.min(end)..end);
        }
        4 => {
            // a piece of the header once more
            let (from, to) = (8 + place(header), 8 + place(header));
            let piece = file[from..(from + 1 + place(80)).min(file.len())].to_vec();
            file.splice(to..to, piece);
        }
        5 => {
            let len = [0, 1, header as u64 + 1, (header as u64).wrapping_sub(1), u64::MAX, 1 << 40][place(6)];
            file[..8].copy_from_slice(&len.to_le_bytes());
        }
        6 => {
            let at = place(file.len() - 4);
            file[at..at + 4].copy_from_slice(&[f32::NAN, f32::INFINITY, 0.0, 1e38][place(4)].to_le_bytes());
        }
        _ => {
            let keep = file.len() - place(file.len() / 2);
            file.truncate(keep.max(16));
        }
    }
}

#[test]
fn a_hundred_thousand_mutants_do_no_harm() {
    let (small, bare_file) = (complete(TINY), bare(&TINY, [3, 1, 2, 0, 5, 4], r#""__metadata__":{"a":"b"},"#));
    let mut rng = Xorshift::new(17);
    let mut model = SimpleRnnlm::new(TINY, &mut Xorshift::new(1)).unwrap();
    let fresh = model.clone();
    let (mut accepted, mut errors) = (0, std::collections::BTreeSet::new());
    for i in 0..100_000 {
        let original = if i % 3 == 0 { &bare_file } else { &small };
        let (_, data) = parts(original);
        let data_len = data.len();
        let mut file = original.clone();
        for _ in 0..=rng.below(2) {
            mutate(&mut file, &mut rng);
        }
        if rng.below(4) > 0 && file.len() > 8 + data_len {
            let header = (file.len() - 8 - data_len) as u64;
            file[..8].copy_from_slice(&header.to_le_bytes());
        }
        if rng.below(4) > 0 && file.len() > 12 {
            file = with_right_checksum(file);
        }
        match Checkpoint::read(&file) {
            Err(error) => {
                errors.insert(format!("{error:?}").split([' ', '(']).next().unwrap().to_owned());
            }
            Ok(checkpoint) => {
                accepted += 1;
                // what passes all checks is a whole model
                let loaded = checkpoint.load(&mut model);
                assert_eq!(loaded.is_ok(), checkpoint.config().hidden_size == 4 && checkpoint.config().vocab_size == 3);
                assert!(model.weights_block().iter().chain(model.state()).all(|x| x.is_finite()));
            }
        }
        model = fresh.clone();
    }
    println!("{accepted} of 100,000 accepted; errors: {errors:?}");
    assert!(accepted > 100, "mutants that pass: {accepted}");
    assert!(errors.len() >= 12, "kinds of errors met: {errors:?}");
}
