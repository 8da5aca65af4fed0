//! Figures as Markdown.

use crate::workload::Workload;

pub struct Table {
    pub workload: Workload,
    /// Registers and GFLOP/s.
    pub peaks: Vec<(&'static str, f64)>,
    pub rows: Vec<Row>,
    /// Who wasn't measured, and why.
    pub missing: Vec<String>,
    /// Which part of the time other programs had the core.
    pub others: Option<f64>,
}

pub struct Row {
    pub name: String,
    /// One of the crate's paths.
    pub own: bool,
    /// Steps per second, of each round.
    pub rates: Vec<f64>,
    /// Of the FMA peak of its vector width.
    pub share: Option<f64>,
    /// How many times as fast the best path of the crate is.
    pub ratio: Option<f64>,
}

/// The table of one workload.
pub fn table(table: &Table) {
    let Workload { name, v, d, h, n, t, cell, .. } = table.workload;
    println!("### {name} with {}: V {v}, D {d}, H {h}, N {n}, T {t}\n", cell.name());
    println!("{}\n", peaks(&table.peaks));
    quiet(table.others);
    println!(
        "| implementation | steps/s | slowest to fastest round | GFLOP/s | share of the FMA peak | rnnlm is faster by |"
    );
    println!("|---|---|---|---|---|---|");
    for row in &table.rows {
        let rate = median(&row.rates);
        let slowest = row.rates.iter().copied().fold(f64::INFINITY, f64::min);
        let fastest = row.rates.iter().copied().fold(0.0, f64::max);
        println!(
            "| {} | {} | {} to {} | {} | {} | {} |",
            row.name,
            figure(rate),
            figure(slowest),
            figure(fastest),
            figure(rate * table.workload.flop() / 1e9),
            row.share.map_or("".into(), |share| format!("{:.0}%", 100.0 * share)),
            row.ratio.map_or("".into(), |ratio| format!("{ratio:.2}")),
        );
    }
    println!();
    for missing in &table.missing {
        println!("- not measured: {missing}");
    }
    println!();
}

/// All workloads in one table, and what the project aims at.
pub fn summary(tables: &[Table]) {
    let columns =
        |cell: &dyn Fn(&Table) -> String| tables.iter().map(|table| format!(" {} |", cell(table))).collect::<String>();
    println!("### Steps per second, and in brackets how many times as fast rnnlm is\n");
    println!("| implementation |{}", columns(&|table| table.workload.name.into()));
    println!("|---|{}", "---|".repeat(tables.len()));
    let cell = |table: &Table| {
        let best = best(table)?;
        Some(format!("{} ({:.2})", figure(median(&best.rates)), best.ratio?))
    };
    println!("| best of all peers |{}", columns(&|table| cell(table).unwrap_or("not measured".into())));
    let mut names = Vec::new();
    for row in tables.iter().flat_map(|table| &table.rows) {
        if !names.contains(&&row.name) {
            names.push(&row.name);
        }
    }
    for name in names {
        let cell = |table: &Table| {
            let row = table.rows.iter().find(|row| &row.name == name)?;
            let ratio = row.ratio.map_or(String::new(), |ratio| format!(" ({ratio:.2})"));
            Some(figure(median(&row.rates)) + &ratio)
        };
        println!("| {name} |{}", columns(&|table| cell(table).unwrap_or("not measured".into())));
    }
    println!();
    for table in tables {
        if let Some((best, ratio)) = best(table).and_then(|best| Some((best, best.ratio?))) {
            let Workload { name, wanted, .. } = table.workload;
            println!("- {name}: the best peer is {}; rnnlm is {ratio:.2} times as fast, wanted {wanted}", best.name);
        }
    }
}

/// Says so where the core wasn't this program's alone.
pub fn quiet(others: Option<f64>) {
    if let Some(others) = others.filter(|&others| others > 0.01) {
        println!(
            "**Noisy: other programs took {:.0}% of this core's time. Measure again when it is quiet.**\n",
            100.0 * others
        );
    }
}

/// The peaks of the registers, in words.
pub fn peaks(peaks: &[(&str, f64)]) -> String {
    let each: Vec<_> =
        peaks.iter().map(|(registers, figure)| format!("{figure:.0} GFLOP/s with {registers}")).collect();
    if each.is_empty() {
        "FMA peak: not measured on this architecture".into()
    } else {
        format!("FMA peak: {}", each.join(", "))
    }
}

pub fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Three digits, thousands apart.
pub fn figure(x: f64) -> String {
    if x < 10.0 {
        return format!("{x:.2}");
    }
    if x < 100.0 {
        return format!("{x:.1}");
    }
    let unit = 10_f64.powf(x.log10().floor() - 2.0);
    let digits = format!("{:.0}", (x / unit).round() * unit);
    let mut grouped = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// The fastest of the peers.
fn best(table: &Table) -> Option<&Row> {
    let peers = table.rows.iter().filter(|row| !row.own);
    peers.max_by(|a, b| median(&a.rates).total_cmp(&median(&b.rates)))
}
