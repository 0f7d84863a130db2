//! `cargo xtask convert-cdnow FILE`: from the published sample to the demo's orders.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::orders::{self, Purchase};

/// Where from and where to.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The sample as published (`CDNOW_sample.txt`): master id, sample id, date, CDs, dollars.
    file: PathBuf,
    /// The CSV to write [default: the one that comes with the project].
    #[arg(long)]
    out: Option<PathBuf>,
}

/// Converts the file.
///
/// # Errors
/// If it cannot be read, or a line has another form.
pub(crate) fn run(options: &Options) -> Result<()> {
    let text = fs::read_to_string(&options.file)
        .with_context(|| format!("cannot read {}", options.file.display()))?;
    let purchases = convert(&text)?;
    let out = options.out.clone().unwrap_or_else(orders::bundled);
    orders::write(&out, &purchases)?;
    println!("{} orders written to {}", purchases.len(), out.display());
    Ok(())
}

fn convert(text: &str) -> Result<Vec<Purchase>> {
    let lines = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    lines
        .enumerate()
        .map(|(nth, (at, line))| {
            purchase(nth + 1, line).with_context(|| format!("line {}: `{}`", at + 1, line.trim()))
        })
        .collect()
}

fn purchase(number: usize, line: &str) -> Result<Purchase> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [user, _, date, quantity, dollars] = fields[..] else {
        anyhow::bail!("want five columns: master id, sample id, date, CDs, dollars");
    };
    ensure!(
        date.len() == 8 && date.is_ascii(),
        "`{date}` is no YYYYMMDD"
    );
    let quantity: u64 = quantity.parse().context("the number of CDs is no number")?;
    ensure!(quantity > 0, "an order needs at least one CD");
    let unit_price_cents = (cents(dollars)? + quantity / 2) / quantity;
    Ok(Purchase {
        order_id: format!("cdnow-{number:05}"),
        user_id: format!("customer-{user}"),
        date: format!("{}-{}-{}", &date[..4], &date[4..6], &date[6..]),
        sku: format!("cd-{unit_price_cents:05}"),
        quantity,
        unit_price_cents,
    })
}

/// Dollars with two decimals as cents, without a detour over floating point.
fn cents(dollars: &str) -> Result<u64> {
    let (whole, part) = dollars
        .split_once('.')
        .context("dollars need two decimals")?;
    ensure!(part.len() == 2, "dollars need two decimals");
    Ok(whole.parse::<u64>()? * 100 + part.parse::<u64>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purchase_becomes_an_order_at_its_rounded_unit_price() {
        let purchase = purchase(2, " 00004 0001 19970118  2   29.73").unwrap();
        let expected = Purchase {
            order_id: "cdnow-00002".to_owned(),
            user_id: "customer-00004".to_owned(),
            date: "1997-01-18".to_owned(),
            sku: "cd-01487".to_owned(),
            quantity: 2,
            unit_price_cents: 1487,
        };
        assert_eq!(purchase, expected);
    }

    #[test]
    fn a_gift_is_an_order_of_price_zero() {
        let purchase = purchase(1, "01101 0087 19970105 1 0.00").unwrap();
        assert_eq!(
            (purchase.sku.as_str(), purchase.unit_price_cents),
            ("cd-00000", 0)
        );
    }

    #[test]
    fn a_line_of_another_form_is_refused_by_number() {
        let error = convert("00004 0001 19970118 2 29.73\n1 2 3\n").unwrap_err();
        assert!(format!("{error:#}").starts_with("line 2: `1 2 3`: want five columns"));
    }
}
