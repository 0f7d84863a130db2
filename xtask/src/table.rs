//! Plain tables for people.

/// Prints rows under a title: the first `left` columns to the left, the others to the right.
pub(crate) fn print(title: &str, left: usize, rows: &[Vec<String>]) {
    println!("\n{title}");
    for line in layout(left, rows) {
        println!("  {line}");
    }
}

fn layout(left: usize, rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |at: usize| {
        rows.iter()
            .filter_map(|row| row.get(at))
            .map(|cell| cell.chars().count())
            .max()
    };
    let widths: Vec<usize> = (0..columns).map(|at| width(at).unwrap_or(0)).collect();
    let aligned = |row: &Vec<String>| {
        let mut line = String::new();
        for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
            line += &if at < left {
                format!("{cell:<width$}  ")
            } else {
                format!("{cell:>width$}  ")
            };
        }
        line.trim_end().to_owned()
    };
    rows.iter().map(aligned).collect()
}

/// Cents as money.
pub(crate) fn money(cents: u64) -> String {
    format!("{}.{:02}", grouped(cents / 100), cents % 100)
}

/// A number with its thousands apart.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_shown_to_the_cent() {
        assert_eq!(money(123_456_705), "1,234,567.05");
        assert_eq!(money(7), "0.07");
    }

    #[test]
    fn numbers_stand_to_the_right() {
        let rows = [
            vec!["a".to_owned(), "1".to_owned()],
            vec!["bcd".to_owned(), "10".to_owned()],
        ];
        assert_eq!(layout(1, &rows), ["a     1", "bcd  10"]);
    }
}
