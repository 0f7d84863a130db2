//! What customers are told, in words.

use serde::{Deserialize, Serialize};
use wasmill_plugin_kit::messages::OrderNews;

/// Where a user's mails go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// For the salutation.
    pub name: String,
    /// The address.
    pub email: String,
}

/// Something that a customer wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// They are registered.
    Welcome,
    /// An order is paid.
    Paid(OrderNews),
    /// An order is refused.
    Cancelled(OrderNews),
    /// An order was not paid in time.
    Invalid(OrderNews),
    /// An order that was paid is given back.
    Refunded(OrderNews),
}

impl News {
    /// The mail's subject.
    #[must_use]
    pub fn subject(&self) -> String {
        match self {
            Self::Welcome => "Welcome".to_owned(),
            Self::Paid(order) => format!("Order {} is paid", order.order_id),
            Self::Cancelled(order) => format!("Order {} is cancelled", order.order_id),
            Self::Invalid(order) => format!("Order {} was not paid in time", order.order_id),
            Self::Refunded(order) => format!("Order {} is refunded", order.order_id),
        }
    }

    /// The mail's text.
    #[must_use]
    pub fn text(&self, name: &str) -> String {
        let news = match self {
            Self::Welcome => "you are registered. Welcome!".to_owned(),
            Self::Paid(order) => {
                let amount = money(order.pay_amount);
                format!(
                    "your order {} is paid ({amount}) and on its way.",
                    order.order_id
                )
            }
            Self::Cancelled(order) => {
                let cause = order.cause.as_deref().unwrap_or("unknown");
                format!("your order {} could not be taken: {cause}.", order.order_id)
            }
            Self::Invalid(order) => format!(
                "your order {} was not paid in time. Whatever you gave for it is returned.",
                order.order_id
            ),
            Self::Refunded(order) => {
                let amount = money(order.pay_amount);
                format!(
                    "your order {} is refunded ({amount}). Whatever else you gave for it is \
                     returned as well.",
                    order.order_id
                )
            }
        };
        format!("Dear {name},\r\n\r\n{news}\r\n")
    }
}

/// The text message to a new user.
#[must_use]
pub fn welcome_text(name: &str) -> String {
    format!("Welcome, {name}! You are registered.")
}

/// Cents as people write them.
fn money(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cancelled_order_is_told_with_its_cause() {
        let order = OrderNews {
            order_id: "o1".to_owned(),
            user_id: "ann".to_owned(),
            pay_amount: 0,
            cause: Some("out of stock".to_owned()),
        };
        assert!(
            News::Cancelled(order)
                .text("Ann")
                .contains("o1 could not be taken: out of stock")
        );
    }

    #[test]
    fn amounts_keep_their_cents() {
        assert_eq!(money(1_205), "12.05");
        assert_eq!(money(7), "0.07");
    }
}
