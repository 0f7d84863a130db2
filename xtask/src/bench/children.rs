//! Figures that only the host's own code can measure: the floor, handler calls without HTTP,
//! timers, transactions, dead letters, memory under a backlog, and look-ups. `wasmill-bench`
//! measures each in a process of its own and prints lines of JSON, objects from a figure's dotted
//! name to its number.

use std::process::Command;

use anyhow::Result;
use testkit::artifacts::program;

use super::Figures;
use crate::process::output;

/// The figures, and over how many calls or messages each is measured in a quick run.
const MEASURED: [(&str, u64); 10] = [
    ("floor", 40_000),
    ("many-keys", 40_000),
    ("hot-key", 20_000),
    ("backlog", 100_000),
    ("dedup", 100_000),
    ("look-up", 40_000),
    ("timers", 40_000),
    ("transactions", 20_000),
    ("redrive", 10_000),
    ("neighbour", 10_000),
];

/// Measures all of them.
///
/// # Errors
/// If the program fails.
pub(super) fn figures(quick: bool) -> Result<Figures> {
    let mut figures = Figures::new();
    for (figure, quick_count) in MEASURED {
        println!("measuring: {figure}");
        let mut command = Command::new(program("wasmill-bench")?);
        command.arg(figure);
        if quick {
            command.args(["--count", &quick_count.to_string()]);
        }
        figures.extend(read(&output(&mut command)?));
    }
    Ok(figures)
}

fn read(text: &str) -> Figures {
    text.lines()
        .filter_map(|line| serde_json::from_str::<Figures>(line).ok())
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_for_people_are_passed_over() {
        let figures = read("warming up\n{\"floor.calls_per_s\": 100.5}\n{\"calls.a\": 2}\n");
        assert_eq!(figures.len(), 2);
        assert_eq!(figures["floor.calls_per_s"], 100.5);
    }
}
