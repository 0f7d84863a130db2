//! Tables for people.

use comfy_table::{Table, presets};

pub(super) use wasmill_trial::printable;

/// A table without lines.
pub(super) fn of<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(header);
    table.add_rows(rows.into_iter().map(|row| row.map(|cell| printable(&cell))));
    table
}

/// The first line of a cause says what; a backtrace may follow.
pub(super) fn first_line(cause: &str) -> String {
    cause.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_cell_steers_the_terminal() {
        let table = of(["KEY"], [["\u{1b}[2Ja\nb\u{202e}c".to_owned()]]).to_string();
        assert!(table.contains("\\u{1b}[2Ja\\nb\\u{202e}c"), "{table}");
    }
}
