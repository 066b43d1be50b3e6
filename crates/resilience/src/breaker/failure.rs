use comanda_domain::ports::{
    AdvanceOrderError, BeginPaymentError, CancelOrderError, GatewayError, NotifyError, PlaceOrderError,
    QuoteOrderError, RegisterAccountError, Unavailable,
};

/// Decides which errors count as failures of the operation. A business refusal does not: it is a response like any
/// other.
pub trait Failure: From<Unavailable> {
    /// The failure, or `None` if the operation responded.
    fn unavailable(&self) -> Option<&Unavailable>;
}

impl Failure for Unavailable {
    fn unavailable(&self) -> Option<&Unavailable> {
        Some(self)
    }
}

macro_rules! only_unavailable_counts {
    ($($error:ty),+ $(,)?) => {
        $(impl Failure for $error {
            fn unavailable(&self) -> Option<&Unavailable> {
                if let Self::Unavailable(unavailable) = self { Some(unavailable) } else { None }
            }
        })+
    };
}

only_unavailable_counts!(
    AdvanceOrderError,
    BeginPaymentError,
    CancelOrderError,
    GatewayError,
    NotifyError,
    PlaceOrderError,
    QuoteOrderError,
    RegisterAccountError,
);
