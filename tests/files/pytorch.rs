//! Promise: weights go to PyTorch and back. PyTorch's own forward pass gives the losses that the crate gives, Python's
//! safetensors opens a checkpoint as it is, and what Python writes loads here. Needs PyTorch and safetensors: PYTHON
//! names an interpreter that has them, and without it `python3` is tried.
#![cfg(feature = "alloc")]

use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Command, Output},
};

use rnnlm::{Cell, Checkpoint, Config, LstmCell, Rnnlm, SimpleRnnlm, TrainingState, Xorshift};

type Model = SimpleRnnlm;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/files/pytorch.py");
const CONVERT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/python/convert.py");
const CONFIG: Config = Config { vocab_size: 23, wordvec_size: 5, hidden_size: 7, batch_size: 2, time_size: 3 };

/// Python, and an empty folder of that test's own.
pub(super) struct Python {
    interpreter: PathBuf,
    folder: PathBuf,
}

impl Python {
    /// `None`, and loudly so, where there is no PyTorch. An interpreter that is named must have it.
    fn new(test: &str) -> Option<Self> {
        Self::with("torch, safetensors.torch", test)
    }

    /// The same for these modules.
    pub(super) fn with(modules: &str, test: &str) -> Option<Self> {
        let named = env::var_os("PYTHON");
        let interpreter = PathBuf::from(named.clone().unwrap_or_else(|| "python3".into()));
        let imports = Command::new(&interpreter).args(["-c", &format!("import {modules}")]).output();
        if !imports.as_ref().is_ok_and(|output| output.status.success()) {
            assert!(named.is_none(), "PYTHON names an interpreter without {modules}: {imports:?}");
            // past the capture of the test runner
            let _ = writeln!(io::stderr(), "SKIPPED: {test}, as python3 can't import {modules}: set PYTHON");
            return None;
        }
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("python-{test}"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        Some(Self { interpreter, folder })
    }

    fn run(&self, script: &str, arguments: &str) -> Output {
        let arguments = arguments.split_whitespace();
        Command::new(&self.interpreter).current_dir(&self.folder).arg(script).args(arguments).output().unwrap()
    }

    /// Runs to the end and returns what was printed.
    pub(super) fn ok(&self, script: &str, arguments: &str) -> String {
        let output = self.run(script, arguments);
        assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    pub(super) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(super) fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.folder.join(name), bytes).unwrap();
    }

    /// The loss of each token but the first by PyTorch.
    fn losses(&self, state_dict: &str, ids: &[u32]) -> Vec<f32> {
        self.write("ids.u32", &ids.iter().flat_map(|id| id.to_le_bytes()).collect::<Vec<_>>());
        self.ok(SCRIPT, &format!("losses {state_dict} ids.u32 losses.f32"));
        floats(&self.read("losses.f32"))
    }
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|x| f32::from_le_bytes(x.try_into().unwrap())).collect()
}

fn bytes(floats: &[f32]) -> Vec<u8> {
    floats.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn ids(len: usize) -> Vec<u32> {
    let mut rng = Xorshift::new(9);
    (0..len).map(|_| rng.below(CONFIG.vocab_size as u32)).collect()
}

/// A model with every weight well away from zero, the biases too, and a hidden state.
fn model() -> Model {
    let mut model = SimpleRnnlm::new(CONFIG, &mut Xorshift::new(1)).unwrap();
    let mut rng = Xorshift::new(2);
    for (_, mut matrix) in model.weights_mut().named() {
        matrix.as_mut_slice().iter_mut().for_each(|w| *w = rng.uniform() - 0.5);
    }
    let ids = ids(7);
    model.forward(&ids[..6], &ids[1..]).unwrap().sgd(0.5).unwrap();
    model
}

const WORDS: &str = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\nm\nn\no\np\nq\nr\ns\nt\nu\nü\n世界\n";

fn complete(model: &Model) -> Vec<u8> {
    let mut file = vec![0; Checkpoint::encoded_len(model.config(), WORDS.len()).unwrap()];
    Checkpoint::write(model, &TrainingState::default(), WORDS, &mut file).unwrap();
    file
}

/// The bits of a bare file's weights in our order.
fn weights(file: &[u8]) -> Vec<u8> {
    let checkpoint = Checkpoint::read(file).unwrap();
    assert_eq!(checkpoint.training(), None, "a bare file");
    assert_eq!(checkpoint.config(), Config { batch_size: 1, time_size: 1, ..CONFIG });
    let mut loaded = SimpleRnnlm::new(CONFIG, &mut Xorshift::new(3)).unwrap();
    checkpoint.load(&mut loaded).unwrap();
    bytes(loaded.weights_block())
}

/// The largest difference between the losses of the crate and those of PyTorch.
fn difference<C: Cell>(model: &mut rnnlm::Model<C>, ids: &[u32], theirs: &[f32]) -> f32 {
    let (mut theirs, mut worst) = (theirs.iter(), 0.0_f32);
    let mean = model.score(ids, |score| worst = worst.max((score.loss - theirs.next().unwrap()).abs())).unwrap();
    assert!(theirs.next().is_none() && mean > 1.0);
    worst
}

#[test]
fn to_pytorch_and_back() {
    let Some(python) = Python::new("to_pytorch_and_back") else { return };
    let (mut model, ids) = (model(), ids(200));
    python.write("ours.safetensors", &complete(&model));
    for state_dict in ["ours.pt", "ours.torch.safetensors"] {
        let said = python.ok(CONVERT, &format!("to-torch ours.safetensors {state_dict}"));
        assert_eq!(said.trim_end(), format!("{state_dict}: V 23, D 5, H 7"));
        let worst = difference(&mut model, &ids, &python.losses(state_dict, &ids));
        println!("{state_dict}: losses differ by {worst:.1e} at most");
        assert!(worst <= 1e-5, "{state_dict}: {worst:e}");
        python.ok(CONVERT, &format!("to-rnnlm {state_dict} back.safetensors"));
        assert!(weights(&python.read("back.safetensors")) == bytes(model.weights_block()), "{state_dict}: other bits");
        // from a bare file too
        python.ok(CONVERT, &format!("to-torch back.safetensors again.{state_dict}"));
        assert_eq!(python.losses(&format!("again.{state_dict}"), &ids), python.losses(state_dict, &ids));
    }
}

#[test]
fn from_pytorch() {
    let Some(python) = Python::new("from_pytorch") else { return };
    python.ok(SCRIPT, "make . 23 5 7 4");
    let ids = ids(200);
    for state_dict in ["made.pt", "made.torch.safetensors"] {
        python.ok(CONVERT, &format!("to-rnnlm {state_dict} made.safetensors"));
        let file = python.read("made.safetensors");
        assert!(weights(&file) == python.read("made.f32"), "{state_dict}: other bits");
        let mut model = SimpleRnnlm::new(CONFIG, &mut Xorshift::new(1)).unwrap();
        Checkpoint::read(&file).unwrap().load(&mut model).unwrap();
        let worst = difference(&mut model, &ids, &python.losses(state_dict, &ids));
        println!("{state_dict}: losses differ by {worst:.1e} at most");
        assert!(worst <= 1e-5, "{state_dict}: {worst:e}");
    }
}

#[test]
fn an_lstm_goes_to_pytorch_and_back() {
    let Some(python) = Python::new("an_lstm_goes_to_pytorch_and_back") else { return };
    python.ok(SCRIPT, "lstm . 23 5 7 4");
    python.ok(CONVERT, "to-rnnlm lstm.pt ours.safetensors");
    let file = python.read("ours.safetensors");
    let mut model = Rnnlm::new(CONFIG, &mut Xorshift::new(1)).unwrap();
    Checkpoint::<LstmCell>::read_as(&file).unwrap().load(&mut model).unwrap();
    let ids = ids(200);
    for (there, and_back) in [("lstm.pt", "again.safetensors"), ("back.pt", "once_more.safetensors")] {
        let worst = difference(&mut model, &ids, &python.losses(there, &ids));
        println!("{there}: losses differ by {worst:.1e} at most");
        assert!(worst <= 1e-5, "{there}: {worst:e}");
        python.ok(CONVERT, &format!("to-rnnlm {there} {and_back}"));
        assert!(python.read(and_back) == file, "{there}: other bits");
        python.ok(CONVERT, "to-torch ours.safetensors back.pt");
    }
}

#[test]
fn words_go_to_pytorch_and_back() {
    let Some(python) = Python::new("words_go_to_pytorch_and_back") else { return };
    let model = model();
    python.write("ours.safetensors", &complete(&model));
    python.ok(CONVERT, "to-torch ours.safetensors ours.pt --words words.txt");
    assert_eq!(python.read("words.txt"), WORDS.as_bytes());
    python.ok(CONVERT, "to-rnnlm ours.pt back.safetensors --words words.txt");
    let file = python.read("back.safetensors");
    let checkpoint = Checkpoint::read(&file).unwrap();
    assert!(checkpoint.words().eq(WORDS.lines()));
    let training = TrainingState { max_norm: 0.25, seed: 1, rng: 1, ..TrainingState::default() };
    assert_eq!(checkpoint.training(), Some(training));
    assert_eq!(checkpoint.config(), Config { batch_size: 20, time_size: 35, ..CONFIG });
    let mut loaded = SimpleRnnlm::new(CONFIG, &mut Xorshift::new(3)).unwrap();
    checkpoint.load(&mut loaded).unwrap();
    assert!(bytes(loaded.weights_block()) == bytes(model.weights_block()));
    // a list from elsewhere: a byte order mark, other line ends, none at its end
    python.write("windows.txt", format!("\u{feff}{}", WORDS.trim_end().replace('\n', "\r\n")).as_bytes());
    python.ok(CONVERT, "to-rnnlm ours.pt windows.safetensors --words windows.txt");
    assert!(python.read("windows.safetensors") == file);
}

#[test]
fn what_is_not_ours_is_refused_and_said_so() {
    let Some(python) = Python::new("what_is_not_ours_is_refused_and_said_so") else { return };
    python.ok(SCRIPT, "refused .");
    let mut damaged = complete(&model());
    let last = damaged.len() - 100;
    damaged[last] ^= 1;
    python.write("damaged.safetensors", &damaged);
    python.write("text.pt", b"you say goodbye");
    python.write("text.safetensors", b"you say goodbye and i say hello");
    python.write("four.txt", b"you\nsay\ngoodbye\nand\n");
    python.write("twice.txt", b"you\nsay\ngoodbye\nsay\nand\n");
    python.ok(SCRIPT, "make . 5 3 4 1");
    for (arguments, part) in [
        ("to-rnnlm gru.pt out.safetensors", "is it an nn.RNN with tanh or an nn.LSTM?"),
        ("to-rnnlm two_layers.pt out.safetensors", "no place for rnn.bias_hh_l1"),
        ("to-rnnlm both_directions.pt out.safetensors", "no place for rnn.bias_hh_l0_reverse"),
        ("to-rnnlm nan.pt out.safetensors", "affine.b holds a number that is not finite"),
        ("to-rnnlm other_names.pt out.safetensors", "--embedding"),
        ("to-torch damaged.safetensors out.pt", "checksum"),
        ("to-rnnlm whole.pt out.safetensors", "save the model by torch.save(model.state_dict(), 'whole.pt')"),
        ("to-rnnlm nested.pt out.safetensors", "nested.pt holds more than a state_dict: save the model by"),
        ("to-rnnlm text.pt out.safetensors", "text.pt is no state_dict of PyTorch"),
        ("to-rnnlm text.safetensors out.safetensors", "text.safetensors is no safetensors file"),
        ("to-torch text.safetensors out.pt", "text.safetensors is no safetensors file"),
        ("to-rnnlm missing.pt out.safetensors", "No such file"),
        ("to-rnnlm made.pt out.safetensors --words missing.txt", "No such file"),
        ("to-rnnlm made.pt out.safetensors --words four.txt", "four.txt has 4 lines, the model 5 words"),
        ("to-rnnlm made.pt out.safetensors --words twice.txt", "twice.txt has a word twice"),
        ("to-torch bare.safetensors out.pt --words out.txt", "bare.safetensors has no words"),
    ] {
        if arguments.contains("bare.safetensors") {
            python.ok(CONVERT, "to-rnnlm made.pt bare.safetensors");
        }
        let output = python.run(CONVERT, arguments);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(message.lines().count(), 1, "{arguments}: {message}");
        assert!(!output.status.success() && message.contains(part), "{arguments}: {message}");
        assert!(!message.contains("Traceback"), "{arguments}: {message}");
        assert!(
            fs::read_dir(&python.folder).unwrap().all(|f| !f.unwrap().file_name().to_string_lossy().starts_with("out"))
        );
    }
    python.ok(CONVERT, "to-rnnlm other_names.pt out.safetensors --embedding encoder");
}

#[test]
fn python_opens_a_complete_file_as_it_is() {
    let Some(python) = Python::new("python_opens_a_complete_file_as_it_is") else { return };
    let model = model();
    python.write("ours.safetensors", &complete(&model));
    let listed = python.ok(SCRIPT, "dump ours.safetensors .");
    let mut listed: Vec<&str> = listed.lines().collect();
    listed.sort_unstable();
    let vocabulary = format!("rnnlm.vocabulary uint8 {}", WORDS.len());
    let mut expected = [
        "embed.W float32 23 5",
        "rnn.Wx float32 5 7",
        "rnn.Wh float32 7 7",
        "rnn.b float32 7",
        "affine.W float32 7 23",
        "affine.b float32 23",
        "rnnlm.state float32 2 7",
        &vocabulary,
        "rnnlm.training uint8 80",
        "rnnlm.crc32 uint8 4",
    ];
    expected.sort_unstable();
    assert_eq!(listed, expected);
    for (name, matrix) in model.weights().named() {
        assert!(python.read(&format!("{name}.raw")) == bytes(matrix.as_slice()), "{name}: other bits");
    }
    assert!(python.read("rnnlm.state.raw") == bytes(model.state()));
    assert!(model.state().iter().any(|&h| h != 0.0));
    assert_eq!(python.read("rnnlm.vocabulary.raw"), WORDS.as_bytes());
    let file = complete(&model);
    let (all, checksum) = file.split_last_chunk::<4>().unwrap();
    assert_eq!(python.read("rnnlm.crc32.raw"), checksum);
    assert_eq!(python.read("rnnlm.training.raw"), all[all.len() - 80..]);
}

#[test]
fn bare_files_of_python_load() {
    let Some(python) = Python::new("bare_files_of_python_load") else { return };
    let model = model();
    for (name, matrix) in model.weights().named() {
        python.write(&format!("{name}.f32"), &bytes(matrix.as_slice()));
    }
    python.ok(SCRIPT, "bare . 23 5 7");
    for name in ["numpy", "numpy_metadata", "torch", "torch_metadata"] {
        let file = python.read(&format!("{name}.safetensors"));
        assert!(weights(&file) == bytes(model.weights_block()), "{name}: other bits");
    }
}
