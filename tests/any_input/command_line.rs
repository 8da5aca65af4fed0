//! Any command line of `ptb`, an argument a line: a message, or options within their bounds.

use std::ffi::OsString;

use crate::args::{self, Command, Options};

pub fn check(bytes: &[u8]) {
    let arguments: Vec<OsString> = bytes.split(|&byte| byte == b'\n').map(argument).collect();
    match args::parse(arguments.iter().cloned()) {
        Err(message) => assert!(!message.is_empty()),
        Ok(Command::Version) => {}
        Ok(Command::Help) => assert!(args::help().contains("--help")),
        Ok(Command::Train(options)) => {
            within_bounds(&options);
            same_with_equals_signs(&arguments, &options);
        }
    }
}

#[cfg(unix)]
fn argument(bytes: &[u8]) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes.to_vec())
}

#[cfg(not(unix))]
fn argument(bytes: &[u8]) -> OsString {
    String::from_utf8_lossy(bytes).into_owned().into()
}

fn within_bounds(options: &Options) {
    let all = |x: Option<f32>, good: fn(f32) -> bool| assert!(x.is_none_or(good), "{x:?}");
    all(options.lr, |rate| rate.is_finite() && rate > 0.0);
    all(options.clip, |norm| norm > 0.0);
    all(options.lr_decay, |decay| decay.is_finite() && decay >= 1.0);
    all(options.temperature, |t| t == 0.0 || t > 0.0 && t.is_finite() && (1.0 / t).is_finite());
    assert!(options.valid_fraction.is_none_or(|share| share > 0.0 && share < 1.0));
    for path in [
        &options.test,
        &options.vocabulary,
        &options.data,
        &options.valid,
        &options.load,
        &options.save,
        &options.save_best,
        &options.csv,
    ] {
        assert!(path.as_ref().is_none_or(|path| !path.as_os_str().is_empty()));
    }
}

/// `--flag value` means what `--flag=value` means, where the value is UTF-8.
fn same_with_equals_signs(arguments: &[OsString], options: &Options) {
    let Some(arguments) = arguments.iter().map(|argument| argument.to_str()).collect::<Option<Vec<_>>>() else {
        return;
    };
    let (mut joined, mut arguments) = (Vec::new(), arguments.into_iter());
    while let Some(argument) = arguments.next() {
        let argument = match argument {
            "--quiet" | "--lower" | "--split-punctuation" => argument.to_owned(),
            _ if argument.contains('=') => argument.to_owned(),
            flag => format!("{flag}={}", arguments.next().unwrap()),
        };
        joined.push(OsString::from(argument));
    }
    let Ok(Command::Train(same)) = args::parse(joined.into_iter()) else { panic!("refused with equals signs") };
    assert_eq!(format!("{same:?}"), format!("{options:?}"));
}
