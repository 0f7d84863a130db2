//! The rules of stock: `initial = available + what orders hold`, at every moment.

use serde::{Deserialize, Serialize};
use wasmill_plugin_kit::messages::PutStock;

/// A SKU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stock {
    /// For people.
    pub name: String,
    /// Price of one.
    pub unit_price: u64,
    /// All pieces there ever were.
    pub initial: u64,
    /// Pieces that can be reserved.
    pub available: u64,
}

/// What the journal says of one order: each kind of change at most once, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "quantity")]
pub enum Entry {
    /// It holds these pieces.
    Reserved(u64),
    /// It held these pieces and gave them back. None: it never held any, and never will.
    Released(u64),
    /// There were not enough.
    Refused,
}

/// What sets up a SKU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    /// For people.
    pub name: String,
    /// Price of one.
    pub unit_price: u64,
    /// Pieces at the beginning.
    pub initial: u64,
}

impl From<PutStock> for Put {
    fn from(put: PutStock) -> Self {
        let PutStock {
            sku,
            name,
            unit_price,
            initial,
        } = put;
        Self {
            name: name.unwrap_or(sku),
            unit_price,
            initial,
        }
    }
}

/// Why stock refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// No such SKU.
    #[error("unknown sku")]
    Unknown,
    /// Too few pieces.
    #[error("out of stock")]
    OutOfStock,
}

/// Sets pieces aside for an order that was not answered before.
///
/// # Errors
/// If there are not enough.
pub fn reserve(stock: Option<Stock>, quantity: u64) -> Result<(Stock, Entry), Rejection> {
    let mut stock = stock.ok_or(Rejection::Unknown)?;
    // The last piece sells: what is left may be nothing, never less.
    stock.available = stock
        .available
        .checked_sub(quantity)
        .ok_or(Rejection::OutOfStock)?;
    Ok((stock, Entry::Reserved(quantity)))
}

/// How many pieces an order gives back, and what the journal then says. An order that holds
/// nothing gives nothing back, but can reserve nothing any more either: its request is late.
#[must_use]
pub fn release(entry: Option<Entry>) -> (u64, Entry) {
    match entry {
        Some(Entry::Reserved(quantity)) => (quantity, Entry::Released(quantity)),
        Some(done) => (0, done),
        None => (0, Entry::Released(0)),
    }
}

/// Sets up a SKU, or changes the price of a known one and nothing else.
#[must_use]
pub fn put(stock: Option<Stock>, put: Put) -> Stock {
    match stock {
        Some(known) => Stock {
            unit_price: put.unit_price,
            ..known
        },
        None => Stock {
            name: put.name,
            unit_price: put.unit_price,
            initial: put.initial,
            available: put.initial,
        },
    }
}

/// Adds pieces.
///
/// # Errors
/// If there is no such SKU.
pub fn restock(stock: Option<Stock>, quantity: u64) -> Result<Stock, Rejection> {
    let mut stock = stock.ok_or(Rejection::Unknown)?;
    stock.initial += quantity;
    stock.available += quantity;
    Ok(stock)
}

impl Stock {
    /// With pieces that an order gave back.
    #[must_use]
    pub fn with_returned(mut self, quantity: u64) -> Self {
        self.available += quantity;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stock(available: u64) -> Stock {
        Stock {
            name: "disc".to_owned(),
            unit_price: 1499,
            initial: 10,
            available,
        }
    }

    #[test]
    fn the_last_piece_sells() {
        let (left, entry) = reserve(Some(stock(2)), 2).expect("there are two");
        assert_eq!((left.available, entry), (0, Entry::Reserved(2)));
    }

    #[test]
    fn more_than_there_is_does_not_sell() {
        assert_eq!(reserve(Some(stock(2)), 3), Err(Rejection::OutOfStock));
        assert_eq!(reserve(Some(stock(0)), 1), Err(Rejection::OutOfStock));
        assert_eq!(reserve(None, 1), Err(Rejection::Unknown));
    }

    #[test]
    fn what_was_reserved_comes_back_once() {
        let (returned, entry) = release(Some(Entry::Reserved(3)));
        assert_eq!((returned, entry), (3, Entry::Released(3)));
        assert_eq!(release(Some(entry)), (0, Entry::Released(3)));
    }

    #[test]
    fn what_was_never_reserved_is_not_returned() {
        assert_eq!(release(None), (0, Entry::Released(0)));
        assert_eq!(release(Some(Entry::Refused)), (0, Entry::Refused));
    }

    #[test]
    fn a_second_put_changes_the_price_only() {
        let again = Put {
            name: "other".to_owned(),
            unit_price: 999,
            initial: 500,
        };
        let changed = put(Some(stock(4)), again);
        assert_eq!(
            changed,
            Stock {
                unit_price: 999,
                ..stock(4)
            }
        );
    }

    #[test]
    fn a_restock_adds_to_what_there_ever_was() {
        let more = restock(Some(stock(4)), 5).expect("known");
        assert_eq!((more.initial, more.available), (15, 9));
        assert_eq!(restock(None, 5), Err(Rejection::Unknown));
    }
}
