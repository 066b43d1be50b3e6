//! Files of supplies: what a row says of a supply.

use crate::{
    FieldRefused, Stock, SupplyDetails, SupplyId, SupplyName, SupplyUnit, ValueRefused, Written,
    import::{first_quantity, of},
};

/// A row of a file of supplies. What is `None` stays as it is. Importing the same file twice changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedSupply {
    /// The supply that the row is about, if there is one with this id.
    pub id: Option<SupplyId>,
    /// The name. It says which supply the row is about, unless `id` does.
    pub name: Written<SupplyName>,
    /// What it is counted in; a new supply needs it, and no other can get another one.
    pub unit: Option<SupplyUnit>,
    /// The quantity on hand; a new supply needs it.
    pub stock: Option<Written<Stock>>,
    /// The low-stock threshold; [`Stock::LOW`] for a new supply unless the row says so.
    pub low_stock_at: Option<Written<Stock>>,
}

impl ImportedSupply {
    /// The name after the import. `stored` is that of the supply with the row's id.
    ///
    /// # Errors
    ///
    /// It is refused.
    pub fn name(&self, stored: Option<SupplyName>) -> Result<SupplyName, FieldRefused> {
        stored.map_or_else(|| self.name.checked(), |stored| self.name.in_place_of(stored)).map_err(of("name"))
    }

    /// The details and the stock of a supply after the import.
    ///
    /// # Errors
    ///
    /// One of the values is refused.
    pub fn apply_to(
        &self,
        details: SupplyDetails,
        unit: SupplyUnit,
        stock: Stock,
    ) -> Result<(SupplyDetails, Stock), FieldRefused> {
        let quantity = |written: &Option<Written<Stock>>, stored| match written {
            Some(written) => written.in_place_of(stored),
            None => Ok(stored),
        };
        if self.unit.is_some_and(|other| other != unit) {
            return Err(of("unit")(ValueRefused::Fixed));
        }
        let name = self.name(Some(details.name))?;
        let low_stock_at = quantity(&self.low_stock_at, details.low_stock_at).map_err(of("low_stock_at"))?;
        let stock = quantity(&self.stock, stock).map_err(of("stock"))?;
        Ok((SupplyDetails { name, low_stock_at }, stock))
    }

    /// The details, the unit and the first stock of the supply that the import adds.
    ///
    /// # Errors
    ///
    /// One of the values is refused, or the unit or the stock is missing.
    pub fn new_supply(&self) -> Result<(SupplyDetails, SupplyUnit, Stock), FieldRefused> {
        let quantity = |written: &Written<Stock>| first_quantity(written, self.id.is_some());
        let name = self.name(None)?;
        let unit = self.unit.ok_or(ValueRefused::Missing).map_err(of("unit"))?;
        let stock = self.stock.as_ref().ok_or(ValueRefused::Missing).and_then(quantity).map_err(of("stock"))?;
        let low_stock_at = self.low_stock_at.as_ref().map(quantity).transpose().map_err(of("low_stock_at"))?;
        Ok((SupplyDetails { name, low_stock_at: low_stock_at.unwrap_or(Stock::LOW) }, unit, stock))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::StockOutOfRange;

    fn dough() -> ImportedSupply {
        ImportedSupply {
            id: Some(SupplyId::new(Uuid::from_u128(1))),
            name: Written::<SupplyName>::new("Dough"),
            unit: Some(SupplyUnit::Gram),
            stock: Some(Written::<Stock>::new(1_000_050)),
            low_stock_at: None,
        }
    }

    #[test]
    fn a_new_supply_needs_a_unit_and_a_stock_and_an_old_one_neither() {
        let (details, unit, stock) = dough().new_supply().unwrap();
        assert_eq!((details.low_stock_at, unit, stock.get()), (Stock::LOW, SupplyUnit::Gram, 1_000_050));
        for (row, field) in
            [(ImportedSupply { unit: None, ..dough() }, "unit"), (ImportedSupply { stock: None, ..dough() }, "stock")]
        {
            assert_eq!(row.new_supply(), Err(FieldRefused { field, why: ValueRefused::Missing }));
        }
        let silent = ImportedSupply { unit: None, stock: None, ..dough() };
        assert_eq!(silent.apply_to(details.clone(), unit, stock), Ok((details, stock)));
    }

    #[test]
    fn a_unit_is_never_changed() {
        let (details, _, stock) = dough().new_supply().unwrap();
        let refused = Err(FieldRefused { field: "unit", why: ValueRefused::Fixed });
        assert_eq!(dough().apply_to(details, SupplyUnit::Piece, stock), refused);
    }

    #[test]
    fn a_stock_above_the_greatest_is_imported_if_a_kitchen_had_it() {
        let (details, unit, stock) = dough().new_supply().unwrap();
        assert_eq!(dough().apply_to(details.clone(), unit, stock), Ok((details.clone(), stock)));
        let refused = FieldRefused { field: "stock", why: ValueRefused::Stock(StockOutOfRange) };
        assert_eq!(dough().apply_to(details, unit, Stock::stored(7)), Err(refused));
        assert_eq!(ImportedSupply { id: None, ..dough() }.new_supply(), Err(refused));
    }
}
