//! Tables for people.

use comfy_table::{Table, presets};

/// A table without lines.
pub(super) fn of<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(header);
    table.add_rows(rows);
    table
}

/// The first line of a cause says what; a backtrace may follow.
pub(super) fn first_line(cause: &str) -> String {
    cause.lines().next().unwrap_or_default().to_owned()
}
