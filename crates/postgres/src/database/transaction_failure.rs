use comanda_domain::ports::{Unavailable, UnreadableRecord};

/// Why a transaction was rolled back: the error that its caller gets. Statements and rows that fail become
/// `Unavailable`.
pub(crate) struct Failure<E>(pub(crate) E);

impl<E: From<Unavailable>> From<diesel::result::Error> for Failure<E> {
    fn from(error: diesel::result::Error) -> Self {
        Self(Unavailable::new(error).into())
    }
}

impl<E: From<Unavailable>> From<Unavailable> for Failure<E> {
    fn from(error: Unavailable) -> Self {
        Self(error.into())
    }
}

impl<E: From<Unavailable>> From<UnreadableRecord> for Failure<E> {
    fn from(error: UnreadableRecord) -> Self {
        Self(Unavailable::from(error).into())
    }
}
