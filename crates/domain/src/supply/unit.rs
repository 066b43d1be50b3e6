use crate::names::names;

names! {
    /// In what a supply is counted. All quantities are whole numbers of it.
    pub enum SupplyUnit {
        /// Pieces, portions.
        Piece = "piece",
        /// Grams.
        Gram = "g",
        /// Millilitres.
        Millilitre = "ml",
    }

    /// The text names no unit.
    pub struct NotASupplyUnit("a unit is piece, g or ml");
}
