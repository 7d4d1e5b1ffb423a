//! What is printed: one row a number, with its target.

use serde::Serialize;

/// One number.
#[derive(Debug, Serialize)]
pub struct Row {
    /// What was measured.
    pub what: String,
    /// Ours.
    pub ours: String,
    /// Whoever it is compared with; empty when it stands alone.
    pub peer: String,
    /// What the target is about: a ratio, or ours itself.
    pub value: f64,
    /// The value with its unit.
    pub shown: String,
    /// What is wanted; empty when the row only informs.
    pub target: String,
    /// Whether it is.
    pub met: Option<bool>,
}

impl Row {
    /// A row without a target.
    pub fn told(what: impl Into<String>, ours: impl Into<String>, peer: impl Into<String>) -> Self {
        Self { what: what.into(), ours: ours.into(), peer: peer.into(), value: 0.0, shown: String::new(), target: String::new(), met: None }
    }

    /// With a value that must not be above `most`.
    pub fn at_most(mut self, value: f64, most: f64, unit: &str) -> Self {
        (self.value, self.shown) = (value, if value.abs() < 10.0 { format!("{value:.2}{unit}") } else { format!("{value:.0}{unit}") });
        (self.target, self.met) = (format!("≤ {most}{unit}"), Some(value <= most));
        self
    }

    /// With a value that must not be below `least`.
    pub fn no_less(mut self, value: f64, least: f64, unit: &str) -> Self {
        (self.value, self.shown) = (value, format!("{value:.0}{unit}"));
        (self.target, self.met) = (format!("≥ {least}{unit}"), Some(value >= least));
        self
    }

    /// With a ratio that must not be below `least`.
    pub fn at_least(mut self, value: f64, least: f64) -> Self {
        (self.value, self.shown) = (value, format!("{value:.2} ×"));
        (self.target, self.met) = (format!("≥ {least} ×"), Some(value >= least));
        self
    }
}

/// The rows as a table.
pub fn table(rows: &[Row]) -> String {
    let heads = ["what", "ours", "peer", "value", "target", "met"].map(str::to_owned);
    let mut lines = vec![heads];
    for row in rows {
        let met = match row.met {
            Some(true) => "yes",
            Some(false) => "MISSED",
            None => "",
        };
        lines.push([row.what.clone(), row.ours.clone(), row.peer.clone(), row.shown.clone(), row.target.clone(), met.to_owned()]);
    }
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<_> = (0..6).map(width).collect();
    let mut text = String::new();
    for (at, line) in lines.iter().enumerate() {
        let cells: Vec<_> =
            line.iter().zip(&widths).map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.chars().count()))).collect();
        text.push_str(&format!("| {} |\n", cells.join(" | ")));
        if at == 0 {
            let dashes: Vec<_> = widths.iter().map(|width| "-".repeat(*width)).collect();
            text.push_str(&format!("| {} |\n", dashes.join(" | ")));
        }
    }
    let missed = rows.iter().filter(|row| row.met == Some(false)).count();
    let judged = rows.iter().filter(|row| row.met.is_some()).count();
    text.push_str(&match missed {
        0 => format!("{judged} targets, all met"),
        _ => format!("{judged} targets, {missed} MISSED"),
    });
    text
}

/// The middle of some numbers.
pub fn median(numbers: impl IntoIterator<Item = f64>) -> f64 {
    at(numbers, 0.5)
}

/// The number below which this part of them lies.
pub fn at(numbers: impl IntoIterator<Item = f64>, part: f64) -> f64 {
    let mut numbers: Vec<f64> = numbers.into_iter().collect();
    numbers.sort_by(f64::total_cmp);
    let place = (numbers.len() as f64 * part) as usize;
    numbers.get(place.min(numbers.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}
