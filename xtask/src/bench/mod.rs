//! `cargo xtask bench`: throughput, latency and memory in one run, every figure with sync before
//! the answer, and as a share of the floor that the machine sets.

mod children;
mod languages;
mod orders;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::{build, table};

/// What is measured and where it goes.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Write the figures as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Only these parts.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// A tenth of the size: to see that it works, not to compare.
    #[arg(long)]
    quick: bool,
}

/// A part of the benchmark.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// The floor, handler calls and memory, without HTTP.
    Inside,
    /// Full orders over HTTP.
    Orders,
    /// The example plugin in each language that is there.
    Languages,
}

/// Figures by their dotted names, such as `orders.confirmed_per_s`.
type Figures = BTreeMap<String, f64>;

/// The figure that others are shown as a share of.
const FLOOR: &str = "floor.calls_per_s";

/// Runs the benchmark.
///
/// # Errors
/// If something does not build or run, or an order of the run went wrong.
pub(crate) fn run(options: &Options) -> Result<()> {
    build::all()?;
    let runtime = tokio::runtime::Runtime::new()?;
    let wanted = |part| options.only.is_empty() || options.only.contains(&part);
    let scale = if options.quick { 1 } else { 10 };
    let mut figures = Figures::new();
    if wanted(Part::Inside) {
        figures.extend(children::figures(options.quick)?);
    }
    if wanted(Part::Orders) {
        figures.extend(runtime.block_on(orders::figures(scale))?);
    }
    if wanted(Part::Languages) {
        figures.extend(languages::figures(options.quick)?);
    }
    table::print("Figures", 1, &rows(&figures));
    if let Some(path) = &options.json {
        let text = serde_json::to_string_pretty(&nested(&figures))?;
        fs::write(path, text + "\n").with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

fn rows(figures: &Figures) -> Vec<Vec<String>> {
    let floor = figures.get(FLOOR);
    let share = |name: &str, figure: f64| match floor {
        Some(floor) if name.starts_with("calls.") => {
            format!("{:.0}% of the floor", figure / floor * 100.0)
        }
        _ => String::new(),
    };
    let row = |(name, figure): (&String, &f64)| {
        vec![name.clone(), format!("{figure:.1}"), share(name, *figure)]
    };
    figures.iter().map(row).collect()
}

/// `a.b` as `{"a": {"b": ...}}`.
fn nested(figures: &Figures) -> serde_json::Value {
    let mut root = serde_json::json!({});
    for (name, figure) in figures {
        match name.split_once('.') {
            Some((group, name)) => root[group][name] = (*figure).into(),
            None => root[name] = (*figure).into(),
        }
    }
    root
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_grouped_by_their_names() {
        let figures = [("a.b".to_owned(), 1.0), ("a.c".to_owned(), 2.5)]
            .into_iter()
            .collect();
        assert_eq!(
            nested(&figures),
            serde_json::json!({ "a": { "b": 1.0, "c": 2.5 } })
        );
    }
}
