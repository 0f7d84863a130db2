//! How many points an order brings, and that it brings them once and loses them once.

/// Cents that earn one point.
const CENTS_PER_POINT: u64 = 100;

/// What is known of an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Journal {
    /// The points that it brought.
    pub earned: Option<u64>,
    /// Those of them that were taken away again. None of them: they never came, and never will.
    pub revoked: Option<u64>,
}

/// One point for each whole 1.00.
#[must_use]
pub fn earned(paid: u64) -> u64 {
    paid / CENTS_PER_POINT
}

/// The points that a paid order brings. None if it brings none, has brought them, or was refunded
/// before its payment was heard of.
#[must_use]
pub fn to_add(journal: Journal, paid: u64) -> Option<u64> {
    match journal {
        Journal {
            earned: None,
            revoked: None,
        } => Some(earned(paid)).filter(|points| *points > 0),
        _ => None,
    }
}

/// The points that a refunded order loses, which may be nothing; it can bring none from now on.
/// None if it lost them before.
#[must_use]
pub fn to_revoke(journal: Journal) -> Option<u64> {
    match journal.revoked {
        Some(_) => None,
        None => Some(journal.earned.unwrap_or(0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: Journal = Journal {
        earned: None,
        revoked: None,
    };

    #[test]
    fn only_whole_units_earn_points() {
        assert_eq!(earned(0), 0);
        assert_eq!(earned(99), 0);
        assert_eq!(earned(100), 1);
        assert_eq!(earned(12_345), 123);
    }

    #[test]
    fn an_order_brings_its_points_once_and_loses_them_once() {
        assert_eq!(to_add(NEW, 99), None);
        assert_eq!(to_add(NEW, 1_800), Some(18));
        let brought = Journal {
            earned: Some(18),
            ..NEW
        };
        assert_eq!(to_add(brought, 1_800), None);
        assert_eq!(to_revoke(brought), Some(18));
        let revoked = Journal {
            revoked: Some(18),
            ..brought
        };
        assert_eq!(to_revoke(revoked), None);
        assert_eq!(to_add(revoked, 1_800), None);
    }

    #[test]
    fn a_refund_that_overtakes_the_payment_keeps_the_points_from_coming() {
        assert_eq!(to_revoke(NEW), Some(0));
        let tombstone = Journal {
            revoked: Some(0),
            ..NEW
        };
        assert_eq!(to_add(tombstone, 1_800), None);
    }
}
