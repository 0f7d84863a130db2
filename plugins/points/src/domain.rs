//! How many points a payment earns.

/// Cents that earn one point.
const CENTS_PER_POINT: u64 = 100;

/// One point for each whole 1.00.
#[must_use]
pub fn earned(paid: u64) -> u64 {
    paid / CENTS_PER_POINT
}

#[cfg(test)]
mod tests {
    use super::earned;

    #[test]
    fn only_whole_units_earn_points() {
        assert_eq!(earned(0), 0);
        assert_eq!(earned(99), 0);
        assert_eq!(earned(100), 1);
        assert_eq!(earned(12_345), 123);
    }
}
