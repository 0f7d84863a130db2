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
    field.parsed(|text| {
        let span = humantime::parse_duration(text)
            .map_err(|_| format!("is `{text}`, which is not a span of time such as `30m`"))?;
        if (min..=max).contains(&span) {
            return Ok(span);
        }
        let [min, max] = [min, max].map(humantime::format_duration);
        Err(format!("is {text}, which is not from {min} to {max}"))
    })
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
    if let DeValue::Integer(_) = field.value.get_ref() {
        let [min, max] = [min, max].map(|bound| u64::try_from(bound).unwrap_or(u64::MAX));
        let number = field.integer(min, max)?;
        return usize::try_from(number).ok();
    }
    field.parsed(|text| {
        let size = parse_bytes(text)
            .ok_or_else(|| format!("is `{text}`, which is not a size such as `64KiB`"))?;
        if (min..=max).contains(&size) {
            return Ok(size);
        }
        Err(format!("is {text}, which is not from {min} to {max} bytes"))
    })
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
