//! Sessions of a made-up file server, and anomalies of known kinds: for everybody who has no labelled log at hand.

use rnnlm::Xorshift;

/// What the lines say, by event; the last one is never part of a normal session.
pub const LINES: [&str; 9] = [
    "open file 0x{x} by client {n}",
    "allocate block {n} of file 0x{x}",
    "write {n} bytes to block {n}",
    "acknowledge block {n}",
    "close file 0x{x}",
    "replicate block {n} to 10.0.0.{n}",
    "verify checksum 0x{x}",
    "delete block {n}",
    "retry after timeout of {n} ms",
];

/// The number of events of normal sessions.
#[allow(dead_code)]
pub const KNOWN: u32 = 8;

/// What is wrong with a session.
#[allow(dead_code)]
pub const KINDS: [&str; 4] = ["cut off", "step left out", "out of order", "new event"];

/// A normal session: one file of one to three blocks, whose writes and acknowledgements mix.
pub fn normal(rng: &mut Xorshift) -> Vec<u32> {
    let blocks = 1 + rng.below(3);
    let mut session = vec![0];
    session.extend((0..blocks).map(|_| 1));
    let (mut written, mut acknowledged) = (0, 0);
    while acknowledged < blocks {
        if written < blocks && (written == acknowledged || rng.below(2) == 0) {
            session.push(2);
            written += 1;
        } else {
            session.push(3);
            acknowledged += 1;
        }
    }
    if rng.below(4) == 0 {
        session.extend([5, 6]);
    }
    session.push(4);
    if rng.below(8) == 0 {
        session.extend((0..blocks).map(|_| 7));
    }
    session
}

/// The kind as index of [`KINDS`], and a session with it.
pub fn anomaly(rng: &mut Xorshift) -> (usize, Vec<u32>) {
    let kind = rng.below(4) as usize;
    let mut session = normal(rng);
    let len = session.len() as u32;
    match kind {
        0 => session.truncate(1 + rng.below(session.iter().filter(|&&event| event < 4).count() as u32 - 1) as usize),
        // without its opening, or an acknowledgement
        1 => {
            let lost = if rng.below(2) == 0 { 0 } else { 3 };
            let at = session.iter().position(|&event| event == lost).unwrap_or(0);
            session.remove(at);
        }
        // closed before all is acknowledged
        2 => {
            let close = session.iter().position(|&event| event == 4).unwrap_or(0);
            session.remove(close);
            session.insert(2, 4);
        }
        _ => session.insert(1 + rng.below(len - 1) as usize, 8),
    }
    (kind, session)
}

/// A session as lines of a log.
#[allow(dead_code)]
pub fn lines(rng: &mut Xorshift, session: &[u32]) -> Vec<String> {
    let line = |&event: &u32| {
        let mut line = String::new();
        for (i, part) in LINES[event as usize].split(['{', '}']).enumerate() {
            match part {
                "n" if i % 2 == 1 => line += &(1 + rng.below(250)).to_string(),
                "x" if i % 2 == 1 => line += &format!("{:08x}", rng.next_u32()),
                _ => line += part,
            }
        }
        line
    };
    session.iter().map(line).collect()
}
