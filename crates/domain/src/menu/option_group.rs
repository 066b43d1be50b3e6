//! Option groups: what can be chosen with menu items.

use std::collections::HashSet;

use thiserror::Error;

use super::recipe::repetitions;
use crate::{Allergen, OptionGroupId, OptionGroupName, OptionId, OptionName, OptionSupply, Price, Timestamp};

/// What staff decide about an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionDetails {
    /// The name on the menu.
    pub name: OptionName,
    /// What one costs in addition to the menu item, unless a menu item has a price of its own for it. No option makes a
    /// menu item cheaper.
    pub price: Price,
    /// What must be declared of it, each once, in the order of [`Allergen`].
    pub allergens: Vec<Allergen>,
    /// What it takes of a supply, or takes away from what the menu item takes.
    pub supply: Option<OptionSupply>,
}

/// An option of a group. One that is left out by an edit is archived: it cannot be chosen any more, and nothing gets
/// its id again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MenuOption {
    /// The id, which never changes.
    pub id: OptionId,
    /// The details, which staff decide.
    pub details: OptionDetails,
}

/// An option group, which any number of menu items can offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionGroup {
    /// The id, which never changes.
    pub id: OptionGroupId,
    /// The name on the menu.
    pub name: OptionGroupName,
    /// Its options that are not archived, in the order in which the menu shows them.
    pub options: Vec<MenuOption>,
    /// 1 when added, one more with every change: what an `ETag` shows.
    pub revision: u32,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// An option as staff write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenOption {
    /// Which option of the group it is; `None`: a new one.
    pub id: Option<OptionId>,
    /// All of its details.
    pub details: OptionDetails,
}

/// Why options cannot be those of a group.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum OptionsError {
    /// More than [`WrittenOptions::MAX`].
    #[error("a group has at most {} options", WrittenOptions::MAX)]
    TooMany,
    /// At these positions is an option that one before them is, or that is called like one before them.
    #[error("a group has no option twice and no two of one name; those at {ids:?} and {names:?} are repetitions")]
    Repeated {
        /// The positions of ids that are repeated.
        ids: Vec<usize>,
        /// The positions of names that are repeated, whatever their case.
        names: Vec<usize>,
    },
}

/// All options of a group as staff write them: at most [`WrittenOptions::MAX`], none of them twice, with different
/// names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WrittenOptions(Vec<WrittenOption>);

impl WrittenOptions {
    /// The most options of a group.
    pub const MAX: usize = 50;

    /// Checks the number of options, their ids and their names.
    pub fn new(options: Vec<WrittenOption>) -> Result<Self, OptionsError> {
        if options.len() > Self::MAX {
            return Err(OptionsError::TooMany);
        }
        let mut known = HashSet::new();
        let ids = options.iter().enumerate().filter(|(_, option)| option.id.is_some_and(|id| !known.insert(id)));
        let ids: Vec<usize> = ids.map(|(at, _)| at).collect();
        let names = repetitions(options.iter().map(|option| option.details.name.as_str().to_lowercase()));
        if ids.is_empty() && names.is_empty() { Ok(Self(options)) } else { Err(OptionsError::Repeated { ids, names }) }
    }

    /// The options, in the order in which the menu is to show them.
    pub fn as_slice(&self) -> &[WrittenOption] {
        &self.0
    }
}

/// An option group to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOptionGroup {
    /// The id it will have.
    pub id: OptionGroupId,
    /// The name on the menu.
    pub name: OptionGroupName,
    /// Its options.
    pub options: Vec<MenuOption>,
    /// When it was added, in whole milliseconds.
    pub added_at: Timestamp,
}

/// A change of an option group: what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OptionGroupEdit {
    /// A new name.
    pub name: Option<OptionGroupName>,
    /// All options that it is to have. Those left out are archived.
    pub options: Option<WrittenOptions>,
}

/// The options at these positions have an id that no option of the group has.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the group has no such options as those at {0:?}")]
pub struct UnknownOptions(pub Vec<usize>);

impl OptionGroupEdit {
    /// The name and the options after this edit. New options get the id of `ids` at their position, of which there MUST
    /// be enough.
    ///
    /// # Errors
    ///
    /// Options have ids that none of the group's has.
    pub fn apply_to(
        self,
        name: OptionGroupName,
        options: Vec<MenuOption>,
        ids: &[OptionId],
    ) -> Result<(OptionGroupName, Vec<MenuOption>), UnknownOptions> {
        let name = self.name.unwrap_or(name);
        let Some(WrittenOptions(written)) = self.options else { return Ok((name, options)) };
        let known: HashSet<OptionId> = options.iter().map(|option| option.id).collect();
        let is_unknown = |option: &WrittenOption| option.id.is_some_and(|id| !known.contains(&id));
        let unknown: Vec<usize> =
            written.iter().enumerate().filter(|(_, option)| is_unknown(option)).map(|(at, _)| at).collect();
        if !unknown.is_empty() {
            return Err(UnknownOptions(unknown));
        }
        let options = written
            .into_iter()
            .zip(ids)
            .map(|(WrittenOption { id, details }, new_id)| MenuOption { id: id.unwrap_or(*new_id), details });
        Ok((name, options.collect()))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::Currency;

    fn id(number: u128) -> OptionId {
        OptionId::new(Uuid::from_u128(number))
    }

    fn written(number: Option<u128>, name: &str) -> WrittenOption {
        let price = Price::new(0, Currency::EUR).expect("in range");
        let name = OptionName::new(name).expect("a name");
        WrittenOption { id: number.map(id), details: OptionDetails { name, price, allergens: vec![], supply: None } }
    }

    #[test]
    fn a_group_has_fifty_options_that_differ() {
        let numbered = |count: u32| (0..count).map(|n| written(None, &format!("No. {n}"))).collect();
        assert!(WrittenOptions::new(numbered(50)).is_ok());
        assert_eq!(WrittenOptions::new(numbered(51)), Err(OptionsError::TooMany));
        let repeated = vec![
            written(Some(1), "Small"),
            written(None, "SMALL"),
            written(Some(1), "Large"),
            written(None, "Medium"),
            written(None, "medium"),
        ];
        let refused = OptionsError::Repeated { ids: vec![2], names: vec![1, 4] };
        assert_eq!(WrittenOptions::new(repeated), Err(refused));
    }

    #[test]
    fn options_keep_their_ids_and_new_ones_get_theirs() {
        let name = OptionGroupName::new("Size").expect("a name");
        let stored = |number, name| MenuOption { id: id(number), details: written(None, name).details };
        let options = vec![stored(1, "Small"), stored(2, "Large")];
        let list = vec![written(None, "Huge"), written(Some(2), "Big")];
        let edit = OptionGroupEdit { name: None, options: WrittenOptions::new(list).ok() };
        let (same, changed) = edit.apply_to(name.clone(), options.clone(), &[id(8), id(9)]).expect("known");
        assert_eq!((same, changed), (name.clone(), vec![stored(8, "Huge"), stored(2, "Big")]));

        let list = vec![written(Some(1), "Small"), written(Some(7), "Foreign")];
        let edit = OptionGroupEdit { name: None, options: WrittenOptions::new(list).ok() };
        assert_eq!(edit.apply_to(name.clone(), options.clone(), &[id(8), id(9)]), Err(UnknownOptions(vec![1])));
        assert_eq!(OptionGroupEdit::default().apply_to(name.clone(), options.clone(), &[]), Ok((name, options)));
    }
}
