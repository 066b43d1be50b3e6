use comanda_domain::ports::{
    AdvanceOrderError, BeginPaymentError, CancelOrderError, GatewayError, NotifyError, PlaceOrderError,
    RegisterAccountError, Unavailable,
};

/// What of an error counts against what was called: a business refusal is an answer like any other.
pub trait Failure: From<Unavailable> {
    /// `None`: it was answered.
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
    RegisterAccountError,
);
