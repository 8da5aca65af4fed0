//! The built-in text: a seeded probabilistic grammar of simple English whose true perplexity is known exactly.
//!
//! The grammar is a finite-state machine. It is unifilar: from each state, every word leads to one next state, so the
//! words so far determine the state, and the entropy rate is the mean, over the stationary distribution of the states,
//! of the entropy of the next word. No model can have a lower perplexity in the long run than the exponential of that.

use rnnlm::Xorshift;

/// The words by class, each class from its most frequent word to its rarest: the word of rank r has weight 1 / r.
const CLASSES: &str = "
    NAME: anna tom mary peter lucy john emma paul;
    PERSON: girl boy teacher farmer woman man doctor baker child student driver nurse singer sailor painter;
    PEOPLE: girls boys teachers farmers women men doctors bakers children students drivers nurses singers sailors
        painters;
    KIN: mother father brother sister friend grandmother uncle cousin; KINS: friends parents brothers sisters cousins;
    ANIMAL: dog cat horse bird cow rabbit fox goat duck mouse wolf;
    ANIMALS: dogs cats horses birds cows rabbits foxes goats ducks mice wolves;
    KIND: kind clever famous polite rich brave careful; MOOD: happy tired hungry ready busy sad sick proud late thirsty;
    LIVING: little young hungry tired happy lazy quiet strong; OLD: old angry; BEAST: wild black white brown;
    FOOD: bread soup cheese cake rice fruit meat salad fish honey butter; FOODADJ: fresh good warm sweet cold;
    DRINK: water tea milk coffee juice wine beer; DRINKADJ: cold hot fresh sweet strong;
    FEED: grass hay corn carrots seeds leaves; FEEDADJ: fresh green dry sweet;
    TEXT: book letter story newspaper poem map novel; TEXTADJ: long short funny strange sad beautiful;
    MACHINE: car bicycle clock radio boat truck tractor train; MACHINEADJ: big heavy dirty small noisy rusty;
    CLOTHES: hat coat dress shirt jacket scarf sweater; CLOTHESADJ: warm new clean thin soft dirty;
    COLOR: red blue green black white yellow brown;
    TOOL: hammer wrench brush drill saw; TUNE: piano guitar violin flute; SEAT: table chair floor shelf bed;
    PLACE: garden park house village market kitchen forest school field barn library town;
    PLACEADJ: big quiet dark small beautiful crowded;
    REST1: sleeps laughs sings works smiles dances cries rests swims dreams;
    REST2: sleep laugh sing work smile dance cry rest swim dream;
    MOVE1: goes walks runs comes returns travels; MOVE2: go walk run come return travel;
    EAT1: eats likes prepares serves; EAT2: eat like prepare serve; SIP1: drinks pours; SIP2: drink pour;
    READ1: reads finds studies borrows; READ2: read find study borrow; PLAY1: plays; PLAY2: play;
    FIX1: repairs cleans fixes paints; FIX2: repair clean fix paint; WEAR1: wears washes mends; WEAR2: wear wash mend;
    SEE1: sees helps meets visits follows loves watches; SEE2: see help meet visit follow love watch;
    BUY1: buys sells needs brings; BUY2: buy sell need bring; WANT1: wants tries learns; WANT2: want try learn;
    THINK1: says thinks knows believes hopes; THINK2: say think know believe hope; WAIT1: waits looks; WAIT2: wait look;
    TALK1: talks speaks listens writes; TALK2: talk speak listen write; LAP1: drinks; LAP2: drink;
    RUN1: runs sleeps jumps hides plays rests swims waits; RUN2: run sleep jump hide play rest swim wait;
    CHASE1: chases follows watches sees fears bites; CHASE2: chase follow watch see fear bite;
    FEAST1: eats smells; FEAST2: eat smell;
    ADV: quietly slowly happily again carefully alone loudly; FREQ: often never always sometimes usually;
    TIME: today now tonight; DAY: monday sunday friday saturday tuesday thursday wednesday;
    UNIT: day morning week evening night month year; PART: morning evening afternoon summer winter spring;
    MEAL: dinner breakfast work lunch school; WEATHER: cold warm dark hot late windy sunny;
";

/// The states, each with its alternatives. `9 the|a>n` is weight 9 for the words `the` and `a`, which share it as the
/// words of a class do, and lead to state `n`; an upper-case word is a class; `9 @n` is weight 9 for the alternatives
/// of `n`. A state `x%` followed by values is one state for each value, which replaces every `%`.
const STATES: &str = "
    start: 74 @clause 6 please>please 5 who>p1 4 can>q.can 5 does>q.does 3 do>q.do 5 why|when|how>q.why;
    q.why: 6 does>q.does 3 do>q.do; q.can: 4 you|he|she|they>v2 1 NAME>v2; q.do: 1 you|they>v2;
    q.does: 5 he|she>v2 3 NAME>v2 5 the>q.the 2 your|his>q.kin; q.the: 3 PERSON>v2 2 ANIMAL>w2; q.kin: 1 KIN>v2;

    clause: 36 the>the 12 a>a 2 an>an 3 every>every 8 two|many|some|three>pl 9 NAME>p1 10 he|she>p1 8 they|we|you>p2
        6 i>i 6 my|his|her|our>kin 3 it>it 4 there>there;
    the: 12 PERSON>p1 6 PEOPLE>p2 8 ANIMAL>a1 4 ANIMALS>a2 3 KIND>the.p 3 LIVING>the.l 1 OLD>old 1 BEAST>the.a
        2 FOOD>is.FOOD 1 DRINK>is.DRINK 1 TEXT>is.TEXT 2 MACHINE>is.MACHINE 1 CLOTHES>is.CLOTHES 1 PLACE>is.PLACE;
    the.p: 2 PERSON>p1 1 PEOPLE>p2; the.l: 4 PERSON>p1 2 PEOPLE>p2 3 ANIMAL>a1 1 ANIMALS>a2;
    the.a: 2 ANIMAL>a1 1 ANIMALS>a2;
    a: 7 PERSON>p1 5 ANIMAL>a1 2 KIND>a.p 2 LIVING>a.l 1 BEAST>a.a;
    a.p: 1 PERSON>p1; a.l: 4 PERSON>p1 3 ANIMAL>a1; a.a: 1 ANIMAL>a1;
    an: 1 OLD>old; every: 2 PERSON>p1 1 ANIMAL>a1;
    old: 5 man|woman|teacher|farmer|doctor|singer|sailor>p1 3 ANIMAL>a1;
    pl: 6 PEOPLE>p2 4 ANIMALS>a2 1 KIND>pl.p 2 LIVING>pl.l; pl.p: 1 PEOPLE>p2; pl.l: 3 PEOPLE>p2 2 ANIMALS>a2;
    kin: 3 KIN>p1 1 KINS>p2;

    p1: 66 @v1 14 is|was>be 8 can|will|must>v2 4 does>not 6 FREQ>v1;
    p2: 66 @v2 14 are|were>be 8 can|will|must>v2 4 do>not 6 FREQ>v2;
    i: 66 @v2 14 am|was>be 8 can|will|must>v2 4 do>not 6 FREQ>v2;
    not: 1 not>v2;
    v% 1 2: 20 REST%>t0 14 MOVE%>to 12 EAT%>o.FOOD 6 SIP%>o.DRINK 8 READ%>o.TEXT 8 FIX%>o.MACHINE 4 WEAR%>o.CLOTHES
        12 SEE%>o.LIFE 5 BUY%>o.any 5 THINK%>that 5 WANT%>inf 4 TALK%>talk 4 WAIT%>wait 4 PLAY%>play;
    please: 20 REST2>t0 14 MOVE2>to 5 prepare|serve>o.FOOD 6 SIP2>o.DRINK 8 READ2>o.TEXT 8 FIX2>o.MACHINE
        4 WEAR2>o.CLOTHES 8 help|visit|follow>o.LIFE 5 BUY2>o.any 4 TALK2>talk 4 WAIT2>wait 4 PLAY2>play;
    a1: 66 @w1 10 is|was>be.a 6 will|can>w2 3 does>a.not 5 FREQ>w1;
    a2: 66 @w2 10 are|were>be.a 6 will|can>w2 3 do>a.not 5 FREQ>w2;
    a.not: 1 not>w2;
    w% 1 2: 20 RUN%>t0 12 FEAST%>o.FEED 10 CHASE%>o.LIFE 4 LAP%>o.sip;

    to: 6 to>pl.to 2 into|through>pl.to 2 home>t2; that: 3 that>clause 2 @clause; inf: 1 to>v2; talk: 1 to>o.LIFE;
    wait: 1 for>o.LIFE; play: 1 the>tune; tune: 1 TUNE>t0;
    o.% FOOD DRINK FEED: 8 the>n.% 6 some>n.% 3 %>t.% 1 %ADJ>m.%;
    o.% TEXT MACHINE CLOTHES: 8 the>n.% 6 a>n.% 3 his|her|my>n.%;
    n.% FOOD DRINK FEED TEXT: 4 %>t.% 1 %ADJ>m.%;
    n.% MACHINE CLOTHES: 8 %>t.% 1 %ADJ>m.% 1 COLOR>m.%;
    m.% FOOD DRINK FEED TEXT MACHINE CLOTHES: 1 %>t.%;
    o.LIFE: 8 the>n.LIFE 4 a>n.a 3 NAME>t0 3 him|them|me|us>t0 3 my|his|her>o.kin 1 two|many|three>n.pl;
    n.LIFE: 6 PERSON>t0 2 PEOPLE>t0 5 ANIMAL>t0 2 ANIMALS>t0 1 KIND>m.p 1 LIVING>m.l;
    n.a: 6 PERSON>t0 5 ANIMAL>t0 1 KIND>m.p 1 LIVING>m.l; n.pl: 1 PEOPLE>t0 1 ANIMALS>t0; m.p: 1 PERSON>t0;
    m.l: 1 PERSON>t0 1 ANIMAL>t0; o.kin: 3 KIN>t0 1 KINS>t0;
    o.any: 5 a>n.thing 3 some>n.FOOD 3 the>n.any;
    n.thing: 2 TEXT>t0 2 MACHINE>t0 3 CLOTHES>t0 1 COLOR>m.CLOTHES;
    n.any: 3 FOOD>t0 2 TEXT>t0 2 MACHINE>t0 2 CLOTHES>t0;
    o.sip: 2 water|milk>t0 1 the>n.sip; n.sip: 1 water|milk>t0;

    is.% FOOD DRINK TEXT MACHINE CLOTHES PLACE: 1 is|was>be.%;
    be.% FOOD DRINK TEXT MACHINE CLOTHES PLACE: 3 very|too|not>adj.% 5 %ADJ>t3;
    adj.% FOOD DRINK TEXT MACHINE CLOTHES PLACE: 1 %ADJ>t3;
    be: 4 MOOD>t3 2 KIND>t3 3 very|not|too>mood 3 in|near|behind>pl.to 1 at>at.be;
    mood: 2 MOOD>t3 1 KIND>t3; at.be: 1 home|school|work>t2;
    be.a: 4 LIVING>t3 2 very|not|too>be.l 3 in|near|behind>pl.to 1 under|on>seat; be.l: 1 LIVING>t3;
    it: 4 is|was>weather 2 rains|snows>t2; weather: 2 very|too|not>wind 4 WEATHER>t2; wind: 1 WEATHER>t2;
    there: 2 is>there.1 1 are>there.2; there.1: 5 a>there.a 2 some>there.m;
    there.a: 3 PERSON>where 3 ANIMAL>where 1 MACHINE>where; there.m: 2 FOOD>on 1 DRINK>on;
    there.2: 1 two|many|some|three>there.p; there.p: 1 PEOPLE>where 1 ANIMALS>where; where: 1 in|near|behind>pl.to;
    on: 1 on|under>seat; seat: 1 the>seat.n; seat.n: 1 SEAT>t2;

    t.% FOOD DRINK: 1 with>o.LIFE 9 @t0; t.MACHINE: 2 with>tool 8 @t0; t.% FEED TEXT CLOTHES: 1 @t0;
    tool: 1 a>tool.n 1 the>tool.n; tool.n: 1 TOOL>t0;
    t0: 40 <eos>>start 10 ADV>t1 12 in>in 7 near|behind>pl.to 14 @time 15 @join;
    t1: 54 <eos>>start 8 in>in 10 @time 15 @join; t2: 58 <eos>>start 3 in>in.t 15 @time 16 @join;
    t3: 70 <eos>>start 22 @join;
    join: 4 and>clause 3 but>clause 3 because>clause 1 when>clause 1 so>clause 1 while>clause;
    time: 5 TIME>t3 4 every>unit 3 on>day 2 at>noon 3 after|before>meal; unit: 1 UNIT>t3; day: 1 DAY>t3;
    noon: 1 night|noon>t3; meal: 1 MEAL>t3;
    in: 7 the>in.n 2 a>place;
    in.n: 9 PLACE>t2 2 PLACEADJ>place.n 4 PART>t3;
    in.t: 1 the>part; part: 1 PART>t3; pl.to: 7 the>place 2 a>place; place: 6 PLACE>t2 1 PLACEADJ>place.n;
    place.n: 1 PLACE>t2;
";

/// One alternative of a state: its probability, its word, and the state that it leads to.
#[derive(Clone, Copy, Debug)]
struct Edge {
    probability: f64,
    word: u32,
    next: usize,
}

/// A probabilistic grammar as an explicit unifilar finite-state machine; state 0 begins a sentence, word 0 ends it.
#[derive(Clone, Debug)]
pub struct Grammar {
    words: Vec<&'static str>,
    states: Vec<Vec<Edge>>,
}

impl Grammar {
    /// The built-in grammar.
    #[must_use]
    pub fn new() -> Self {
        let mut grammar = Self { words: vec!["<eos>"], states: Vec::new() };
        let mut names = vec![String::from("start")];
        // a state is expanded when its turn comes, and names its successors behind the others: all are reachable
        while let Some(name) = names.get(grammar.states.len()) {
            let mut alternatives = Vec::new();
            expand(name, 1.0, &mut alternatives);
            let mut edges = Vec::with_capacity(alternatives.len());
            for (probability, word, next) in alternatives {
                let (word, next) = (index(&mut grammar.words, word) as u32, index(&mut names, next));
                edges.push(Edge { probability, word, next });
            }
            grammar.states.push(edges);
        }
        grammar
    }

    /// The true perplexity per token, exactly: exp of the entropy rate.
    #[must_use]
    pub fn perplexity(&self) -> f64 {
        self.entropy_rate().exp()
    }

    /// `tokens` tokens of text, words separated by spaces and each `<eos>` written as a newline; the same text for the
    /// same seed everywhere.
    #[must_use]
    pub fn text(&self, seed: u64, tokens: usize) -> String {
        let (mut rng, mut state, mut text) = (Xorshift::new(seed), 0, String::new());
        for _ in 0..tokens {
            let Some(edge) = self.sample(state, &mut rng) else { break };
            if edge.word == 0 {
                text.push('\n');
            } else {
                if !text.is_empty() && !text.ends_with('\n') {
                    text.push(' ');
                }
                text.push_str(self.words[edge.word as usize]);
            }
            state = edge.next;
        }
        text
    }

    /// An edge of a state, drawn by its probability. Only sums and comparisons, so the same one on every machine.
    fn sample(&self, state: usize, rng: &mut Xorshift) -> Option<Edge> {
        let mut rest = f64::from(rng.next_u32()) / 4_294_967_296.0;
        let edges = &self.states[state];
        let drawn = edges.iter().find(|edge| {
            rest -= edge.probability;
            rest < 0.0
        });
        drawn.or(edges.last()).copied() // the probabilities may sum to a little less than 1
    }

    /// The mean entropy of the next word, in nats, over the stationary distribution of the states.
    fn entropy_rate(&self) -> f64 {
        let entropy =
            |edges: &[Edge]| -> f64 { edges.iter().map(|edge| -edge.probability * edge.probability.ln()).sum() };
        let distribution = self.stationary_distribution();
        self.states.iter().zip(distribution).map(|(edges, share)| share * entropy(edges)).sum()
    }

    /// The share of all tokens that is drawn from each state: the expected visits in one sentence, normalized.
    /// Sentences are independent and the chance that one goes on falls geometrically: this converges, periodic or not.
    fn stationary_distribution(&self) -> Vec<f64> {
        let mut visits = vec![0.0; self.states.len()];
        let mut now = visits.clone();
        now[0] = 1.0;
        while now.iter().sum::<f64>() > 1e-18 {
            let mut next = vec![0.0; now.len()];
            for ((edges, &mass), visits) in self.states.iter().zip(&now).zip(&mut visits) {
                *visits += mass;
                for edge in edges.iter().filter(|edge| edge.word != 0) {
                    next[edge.next] += mass * edge.probability;
                }
            }
            now = next;
        }
        let total: f64 = visits.iter().sum();
        visits.iter().map(|visits| visits / total).collect()
    }
}

impl Default for Grammar {
    fn default() -> Self {
        Self::new()
    }
}

/// The place of an item in a list, to which it is added if it is new.
fn index<T: PartialEq>(list: &mut Vec<T>, item: T) -> usize {
    list.iter().position(|known| *known == item).unwrap_or_else(|| {
        list.push(item);
        list.len() - 1
    })
}

/// The entries `head: body;` of a table.
fn entries(table: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    table.split(';').filter_map(|entry| entry.trim().split_once(": "))
}

/// The value that replaces `%` if this head of an entry of [`STATES`] describes the state.
fn matches(head: &'static str, state: &str) -> Option<&'static str> {
    let (name, values) = head.split_once(' ').unwrap_or((head, ""));
    values.split(' ').find(|value| name.replace('%', value) == state)
}

/// Adds the alternatives of a state, as (probability, word, next state), their probabilities multiplied by `scale`.
fn expand(state: &str, scale: f64, into: &mut Vec<(f64, &'static str, String)>) {
    let Some((value, body)) = entries(STATES).find_map(|(head, body)| Some((matches(head, state)?, body))) else {
        return;
    };
    let fields: Vec<&str> = body.split_whitespace().collect();
    let weights: Vec<f64> =
        fields.iter().step_by(2).map(|weight| weight.parse::<u16>().map_or(0.0, f64::from)).collect();
    let scale = scale / weights.iter().sum::<f64>();
    for (weight, item) in weights.iter().zip(fields.into_iter().skip(1).step_by(2)) {
        if let Some(included) = item.strip_prefix('@') {
            expand(&included.replace('%', value), weight * scale, into);
        } else if let Some((item, next)) = item.rsplit_once('>') {
            let class = item.replace('%', value);
            let words = entries(CLASSES).find(|(name, _)| *name == class).map_or(item, |(_, words)| words);
            let words: Vec<&str> = words.split(['|', ' ', '\n']).filter(|word| !word.is_empty()).collect();
            let total: f64 = (1..=words.len()).map(|rank| 1.0 / rank as f64).sum();
            for (rank, word) in words.into_iter().enumerate() {
                let probability = weight * scale / total / (rank + 1) as f64;
                into.push((probability, word, next.replace('%', value)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn is_a_unifilar_machine_of_reachable_states() {
        let grammar = Grammar::new();
        assert!((400..=440).contains(&grammar.words.len()), "{} words", grammar.words.len());
        let mut reachable = HashSet::from([0]);
        let mut pending = vec![0];
        while let Some(state) = pending.pop() {
            let edges = &grammar.states[state];
            let words: HashSet<u32> = edges.iter().map(|edge| edge.word).collect();
            assert_eq!(words.len(), edges.len(), "a word of state {state} leads to two states");
            assert!((edges.iter().map(|edge| edge.probability).sum::<f64>() - 1.0).abs() < 1e-12);
            assert!(edges.iter().all(|edge| edge.probability > 0.0 && (edge.word == 0) == (edge.next == 0)));
            pending.extend(edges.iter().map(|edge| edge.next).filter(|&next| reachable.insert(next)));
        }
        assert_eq!(reachable.len(), grammar.states.len());
    }

    #[test]
    fn uses_every_word_of_its_tables() {
        let grammar = Grammar::new();
        for word in entries(CLASSES).flat_map(|(_, words)| words.split_whitespace()) {
            assert!(grammar.words.contains(&word), "{word}");
        }
        assert!(grammar.words.iter().all(|word| *word == "<eos>" || word.bytes().all(|b| b.is_ascii_lowercase())));
    }

    #[test]
    fn stationary_distribution_is_stationary() {
        let grammar = Grammar::new();
        let distribution = grammar.stationary_distribution();
        let mut next = vec![0.0; distribution.len()];
        for (edges, share) in grammar.states.iter().zip(&distribution) {
            edges.iter().for_each(|edge| next[edge.next] += share * edge.probability);
        }
        assert!((distribution.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(distribution.iter().zip(next).all(|(a, b)| (a - b).abs() < 1e-12));
    }

    #[test]
    fn cross_entropy_of_a_long_text_is_the_entropy_rate() {
        let grammar = Grammar::new();
        let text = grammar.text(7, 200_000).replace('\n', " <eos> ");
        let (mut state, mut sum, mut tokens) = (0, 0.0, 0);
        for word in text.split_whitespace() {
            let edge = grammar.states[state].iter().find(|edge| grammar.words[edge.word as usize] == word).unwrap();
            (state, sum, tokens) = (edge.next, sum - edge.probability.ln(), tokens + 1);
        }
        assert_eq!(tokens, 200_000);
        let ratio = sum / f64::from(tokens) / grammar.entropy_rate();
        assert!((ratio - 1.0).abs() < 0.01, "{ratio}");
        assert!((6.0..14.0).contains(&grammar.perplexity()), "{}", grammar.perplexity());
    }

    #[test]
    fn text_depends_on_the_seed_alone() {
        let text = Grammar::new().text(1, 500);
        assert_eq!(text, Grammar::default().text(1, 500));
        assert_ne!(text, Grammar::new().text(2, 500));
        assert!(text.starts_with(&Grammar::new().text(1, 100)));
        assert!(text.starts_with("a little woman eats soup with the cat but the woman laughs today\nhe sings\n"));
    }
}
