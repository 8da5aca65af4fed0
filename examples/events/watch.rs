//! Verdicts as text: a table, JSON lines, or a picture of the session.

use rnnlm::{GuardState, SessionVerdict, Vocabulary};

/// How verdicts are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Output {
    /// A row a session.
    #[default]
    Tsv,
    /// An object a session.
    Json,
    /// The odd sessions, with their odd event marked.
    Explained,
}

pub const HEADER: &str = "session\tverdict\texcess\tat\tevent\tprobability\trank\texpected\timbalance";

/// What a guard's new state means.
pub fn news(state: GuardState) -> &'static str {
    match state {
        GuardState::Holding => "alarms pile up, nothing is learned",
        GuardState::Adapting => "alarms last: this is the new normal, learned from now on",
        _ => "learns on",
    }
}

/// The text of a session's verdict; none where there is nothing to show.
pub fn line(
    output: Output,
    number: usize,
    session: &[String],
    verdict: &SessionVerdict,
    vocabulary: &Vocabulary,
) -> Option<String> {
    let worst = &verdict.worst;
    let event = session.get(verdict.at as usize).map_or("<eos>", String::as_str);
    let (probability, rank) = (worst.score.probability(), worst.score.rank);
    let expected: Vec<(&str, f32)> =
        verdict.expected.iter().map(|c| (vocabulary.word(c.id).unwrap_or("?"), c.probability)).collect();
    let words: Vec<&str> = expected.iter().map(|(word, _)| *word).collect();
    let imbalance = verdict.imbalance.map(|i| {
        let word = |id| vocabulary.word(id).unwrap_or("?");
        ([word(i.more), word(i.fewer)], i.counts, i.sessions)
    });
    match output {
        Output::Tsv => {
            let (word, at) = (if verdict.is_odd { "odd" } else { "normal" }, verdict.at);
            let (excess, expected) = (worst.excess, words.join(" | "));
            let imbalance = imbalance.map(|([more, fewer], [a, b], _)| format!("{a} {more} > {b} {fewer}"));
            let imbalance = imbalance.unwrap_or_default();
            Some(format!(
                "{number}\t{word}\t{excess:.3}\t{at}\t{event}\t{probability:.2e}\t{rank}\t{expected}\t{imbalance}"
            ))
        }
        Output::Json => {
            let expected: Vec<String> = words.iter().map(|word| quoted(word)).collect();
            // JSON has no infinity
            let excess = if worst.excess.is_finite() { format!("{:.3}", worst.excess) } else { "null".to_owned() };
            let imbalance = imbalance.map_or("null".to_owned(), |([more, fewer], [a, b], sessions)| {
                let [more, fewer] = [quoted(more), quoted(fewer)];
                format!("{{\"more\":{more},\"fewer\":{fewer},\"counts\":[{a},{b}],\"sessions\":{sessions}}}")
            });
            Some(format!(
                "{{\"session\":{number},\"odd\":{},\"excess\":{excess},\"at\":{},\"event\":{},\"new\":{},\
                 \"probability\":{probability:e},\"rank\":{rank},\"expected\":[{}],\"imbalance\":{imbalance}}}",
                verdict.is_odd,
                verdict.at,
                quoted(event),
                worst.is_new,
                expected.join(",")
            ))
        }
        Output::Explained if verdict.is_odd => {
            let mut text = format!("session {number}\n");
            if let Some(([more, fewer], [a, b], sessions)) = imbalance {
                text += &format!(
                    "    {a} times {more}, {b} times {fewer}: never more of the former in {sessions} others\n"
                );
            }
            // the context of an event that is not odd explains nothing
            Some(if worst.is_odd { text + &explained(session, verdict, &expected) } else { text })
        }
        Output::Explained => None,
    }
}

fn explained(session: &[String], verdict: &SessionVerdict, expected: &[(&str, f32)]) -> String {
    let mut text = String::new();
    for (i, event) in session.iter().map(String::as_str).chain(["<eos>"]).enumerate() {
        let at = verdict.at as usize;
        if i + 6 == at || i == at + 3 {
            text += "    ...\n";
        }
        if i + 5 >= at && i < at + 3 {
            text += &format!("{} {event}\n", if i == at { "-->" } else { "   " });
        }
    }
    let list: Vec<String> = expected.iter().map(|(word, p)| format!("{word} ({:.1}%)", 100.0 * p)).collect();
    let why = if verdict.worst.is_new { "never seen" } else { "odd here" };
    text + &format!("    {why}; expected: {}\n", list.join(", "))
}

/// A string of JSON.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted += &format!("\\u{:04x}", c as u32),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn json_strings_are_escaped() {
        assert_eq!(quoted("a\"\\\u{1}é"), "\"a\\\"\\\\\\u0001é\"");
    }
}
