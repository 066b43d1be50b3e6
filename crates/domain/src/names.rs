//! Enums that have a name in the HTTP contract and in storage.

/// Declares an enum whose variants have names. From the one list follow `ALL`, `as_str`, `Display`, `FromStr` with its
/// error, and, with the feature `serde`, serialization by name.
macro_rules! names {
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $($(#[$variant_meta:meta])* $variant:ident = $text:literal,)+
        }
        $(#[$error_meta:meta])*
        pub struct $error:ident($message:literal);
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        pub enum $name {
            $($(#[$variant_meta])* #[cfg_attr(feature = "serde", serde(rename = $text))] $variant,)+
        }

        impl $name {
            /// Every one, in the order of their declaration.
            pub const ALL: [Self; [$($text),+].len()] = [$(Self::$variant),+];

            /// The name in the HTTP contract and in storage.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        $(#[$error_meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
        #[error($message)]
        pub struct $error;

        impl std::str::FromStr for $name {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, $error> {
                Self::ALL.into_iter().find(|one| one.as_str() == text).ok_or($error)
            }
        }
    };
}

pub(crate) use names;

#[cfg(test)]
mod tests {
    use crate::{
        AcceptOrders, Allergen, AuditAction, Availability, FeatureFlag, LockReason, OrderStatus, PaymentMethod,
        PaymentStatus, RefundStatus, Role, SecurityEventKind, SecurityOutcome, SelectionProblem, SupplyUnit,
        TicketState,
    };

    /// Every name leads back to its variant, and no two variants share one.
    macro_rules! assert_names {
        ($($name:ident),+) => {
            $(
                for one in $name::ALL {
                    assert_eq!(one.as_str().parse(), Ok(one), "{one}");
                }
            )+
        };
    }

    #[test]
    fn every_name_is_read_as_what_it_was_written_for() {
        assert_names!(AuditAction, Availability, FeatureFlag, LockReason, OrderStatus, PaymentMethod, PaymentStatus);
        assert_names!(AcceptOrders, Allergen, SelectionProblem, SupplyUnit, TicketState);
        assert_names!(RefundStatus, Role, SecurityEventKind, SecurityOutcome);
        assert!("Pending".parse::<OrderStatus>().is_err(), "names are lower-case");
        assert!("".parse::<Role>().is_err());
    }

    #[cfg(feature = "serde")]
    #[test]
    fn values_are_read_only_if_their_constructors_would_accept_them() {
        use crate::{Currency, MenuItemName, Money, Price, Quantity};

        let money = Money::new(1250, Currency::EUR);
        let text = serde_json::to_string(&money).expect("serializable");
        assert_eq!(text, r#"{"amount":1250,"currency":"EUR"}"#);
        assert_eq!(serde_json::from_str::<Money>(&text).ok(), Some(money));
        assert_eq!(serde_json::to_string(&OrderStatus::Preparing).ok().as_deref(), Some("\"preparing\""));
        assert_eq!(serde_json::from_str::<OrderStatus>("\"preparing\"").ok(), Some(OrderStatus::Preparing));
        assert!(serde_json::from_str::<OrderStatus>("\"cooking\"").is_err());
        assert!(serde_json::from_str::<Quantity>("101").is_err());
        assert!(serde_json::from_str::<Price>(r#"{"amount":-1,"currency":"EUR"}"#).is_err());
        assert!(serde_json::from_str::<MenuItemName>("\" \"").is_err());
    }
}
