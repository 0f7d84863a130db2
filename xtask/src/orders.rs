//! The demo's input: a CSV of purchases, one line an order.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

/// One purchase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Purchase {
    /// Unique.
    pub(crate) order_id: String,
    /// Who bought.
    pub(crate) user_id: String,
    /// When, as `YYYY-MM-DD`; for people only.
    pub(crate) date: String,
    /// What was bought.
    pub(crate) sku: String,
    /// How many.
    pub(crate) quantity: u64,
    /// Cents for one, the same on every line of a SKU.
    pub(crate) unit_price_cents: u64,
}

/// The purchases that come with the project.
pub(crate) fn bundled() -> PathBuf {
    testkit::artifacts::workspace().join("examples/shop/data/orders.csv")
}

/// Reads purchases.
///
/// # Errors
/// If the file cannot be read, or a line is not of this form; with the line's number.
pub(crate) fn read(path: &Path) -> Result<Vec<Purchase>> {
    let subject = || format!("cannot read orders from {}", path.display());
    let mut reader = csv::Reader::from_path(path).with_context(subject)?;
    let purchases: Result<Vec<Purchase>, _> = reader.deserialize().collect();
    let purchases = purchases.with_context(subject)?;
    ensure!(!purchases.is_empty(), "{} has no orders", path.display());
    Ok(purchases)
}

/// Writes purchases.
///
/// # Errors
/// If the file cannot be written.
pub(crate) fn write(path: &Path, purchases: &[Purchase]) -> Result<()> {
    let subject = || format!("cannot write {}", path.display());
    let mut writer = csv::Writer::from_path(path).with_context(subject)?;
    for purchase in purchases {
        writer.serialize(purchase).with_context(subject)?;
    }
    writer.flush().with_context(subject)
}
