//! Humane quantities: `30m` and `64KiB`.

use std::time::Duration;

use toml::de::DeValue;

use crate::table::{Field, Table};

/// How long an id is remembered if the file does not say.
const DEDUP_WINDOW_DEFAULT: Duration = Duration::from_secs(24 * 3600);
/// Shortest time that an id is remembered.
const DEDUP_WINDOW_MIN: Duration = Duration::from_secs(1);
/// Longest time that an id is remembered.
const DEDUP_WINDOW_MAX: Duration = Duration::from_secs(30 * 24 * 3600);

/// A span of time such as `90s` or `1h 30m`, from `min` to `max`.
pub(crate) fn duration(field: &Field<'_>, min: Duration, max: Duration) -> Option<Duration> {
    if let DeValue::Integer(number) = field.value.get_ref() {
        field.refuse(without_unit(number.as_str()));
        return None;
    }
    field.parsed(|text| {
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(without_unit(text));
        }
        let span = humantime::parse_duration(text)
            .map_err(|_| format!("is `{text}`, which is not a span of time such as `30m`"))?;
        if (min..=max).contains(&span) {
            return Ok(span);
        }
        let [min, max] = [min, max].map(humantime::format_duration);
        Err(format!("is {text}, which is not from {min} to {max}"))
    })
}

fn without_unit(number: &str) -> String {
    format!("is {number} without a unit: write it in quotes with one, as `\"{number}s\"`")
}

/// How long an id is remembered, as the table says.
pub(crate) fn dedup_window(table: &mut Table<'_>, key: &'static str) -> Duration {
    let stated = table.get(key);
    let window = stated.and_then(|field| duration(&field, DEDUP_WINDOW_MIN, DEDUP_WINDOW_MAX));
    window.unwrap_or(DEDUP_WINDOW_DEFAULT)
}

/// A number of bytes such as `65536` or `64KiB`, from 1 to `max`.
pub(crate) fn bytes(field: &Field<'_>, max: usize) -> Option<usize> {
    bytes_from(field, 1, max)
}

/// A number of bytes from `min` to `max`.
pub(crate) fn bytes_from(field: &Field<'_>, min: usize, max: usize) -> Option<usize> {
    let (stated, bytes) = match field.value.get_ref() {
        DeValue::Integer(integer) => {
            let number = usize::from_str_radix(integer.as_str(), integer.radix());
            (integer.to_string(), number.ok())
        }
        _ => {
            let text = field.text()?;
            let Some(bytes) = parse_bytes(text) else {
                field.refuse(format!("is `{text}`, which is not a size such as `64KiB`"));
                return None;
            };
            (text.to_owned(), Some(bytes))
        }
    };
    let inside = bytes.filter(|bytes| (min..=max).contains(bytes));
    if inside.is_none() {
        let [min, max] = [min, max].map(size);
        field.refuse(format!("is {stated}, which is not from {min} to {max}"));
    }
    inside
}

/// A number of bytes for people: in the largest unit of which it is a multiple.
pub(crate) fn size(bytes: usize) -> String {
    let units = [
        (1 << 40, "TiB"),
        (1 << 30, "GiB"),
        (1 << 20, "MiB"),
        (1 << 10, "KiB"),
    ];
    let whole = |(unit, _): &&(usize, _)| bytes >= *unit && bytes.is_multiple_of(*unit);
    match (units.iter().find(whole), bytes) {
        (Some((unit, name)), _) => format!("{} {name}", bytes / unit),
        (None, 1) => "1 byte".to_owned(),
        (None, _) => format!("{bytes} bytes"),
    }
}

fn parse_bytes(text: &str) -> Option<usize> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let factor: usize = match unit.trim_start() {
        "B" => 1,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.parse::<usize>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_binary_and_decimal_units() {
        assert_eq!(parse_bytes("64KiB"), Some(65_536));
        assert_eq!(parse_bytes("1 MB"), Some(1_000_000));
        assert_eq!(parse_bytes("7B"), Some(7));
    }

    #[test]
    fn sizes_are_shown_in_the_unit_that_divides_them() {
        for (bytes, shown) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (1_000, "1000 bytes"),
            (65_536, "64 KiB"),
            (4_194_304, "4 MiB"),
            (4_194_305, "4194305 bytes"),
            (1 << 40, "1 TiB"),
        ] {
            assert_eq!(size(bytes), shown);
            if bytes.is_multiple_of(1 << 10) && bytes > 0 && bytes < 1 << 40 {
                assert_eq!(parse_bytes(shown), Some(bytes), "it can be written so");
            }
        }
    }

    #[test]
    fn what_is_no_size_or_overflows_is_none() {
        for text in [
            "",
            "KiB",
            "64",
            "64kib",
            "-1KiB",
            "1.5MiB",
            "99999999999999999999GiB",
        ] {
            assert_eq!(parse_bytes(text), None, "{text}");
        }
    }
}
