use thiserror::Error;

use super::{Payment, PaymentMethod, PaymentStatus};
use crate::{AuditAction, AuditRecord, StaffMember, Timestamp};

/// The outcome of settling a payment at the counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// It was settled before. Nothing changes.
    AlreadySettled,
    /// The customer has paid.
    Settles {
        /// The payment from now on.
        payment: Payment,
        /// The record that a member of staff took the money.
        audit: AuditRecord,
    },
}

/// Only an open payment at the counter can be settled there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a payment by {} that is {} cannot be settled at the counter", .method.as_str(), .status.as_str())]
pub struct NotSettleable {
    /// The payment's method.
    pub method: PaymentMethod,
    /// The status it is in.
    pub status: PaymentStatus,
}

impl Payment {
    /// A member of staff has taken the customer's money at the counter.
    pub fn settle(&self, by: StaffMember, at: Timestamp) -> Result<Settlement, NotSettleable> {
        match (self.method, self.status) {
            (PaymentMethod::Counter, PaymentStatus::Succeeded) => Ok(Settlement::AlreadySettled),
            (PaymentMethod::Counter, status) if status.is_open() => Ok(Settlement::Settles {
                payment: Self { status: PaymentStatus::Succeeded, received: self.amount, ..self.clone() },
                audit: AuditRecord {
                    actor: Some(by.account_id()),
                    action: AuditAction::PaymentSettled,
                    target: self.id.to_string(),
                    reason: None,
                    at,
                },
            }),
            (method, status) => Err(NotSettleable { method, status }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payment::sample::{now, payment, staff};

    #[test]
    fn only_an_open_payment_at_the_counter_is_settled_and_only_once() {
        for method in PaymentMethod::ALL {
            for status in PaymentStatus::ALL {
                let before = payment(method, status);
                match before.settle(staff(), now()) {
                    Ok(Settlement::Settles { payment, audit }) => {
                        assert!(method == PaymentMethod::Counter && status.is_open());
                        assert_eq!(
                            payment,
                            Payment { status: PaymentStatus::Succeeded, received: before.amount, ..before }
                        );
                        assert_eq!((audit.actor, audit.at), (Some(staff().account_id()), now()));
                        assert_eq!(payment.settle(staff(), now()), Ok(Settlement::AlreadySettled));
                    }
                    Ok(Settlement::AlreadySettled) => {
                        assert_eq!((method, status), (PaymentMethod::Counter, PaymentStatus::Succeeded));
                    }
                    Err(error) => {
                        assert_eq!(error, NotSettleable { method, status });
                        assert!(
                            method == PaymentMethod::Card
                                || !(status.is_open() || status.is_paid())
                                || status == PaymentStatus::PartlyRefunded
                        );
                    }
                }
            }
        }
    }
}
