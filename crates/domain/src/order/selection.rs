//! What a customer chooses with a line of a basket.

use thiserror::Error;

use crate::{Money, OptionGroupName, OptionId, OptionName, Quantity, names::names};

/// An option, and how often it goes with one of the menu item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selection {
    /// The option.
    pub option_id: OptionId,
    /// How often.
    pub quantity: Quantity,
}

/// More than [`Selections::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a line has at most {} selections", Selections::MAX)]
pub struct TooManySelections;

/// The selections of a line, as the customer wrote them. The same option may be there more than once, which counts
/// together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selections(Vec<Selection>);

impl Selections {
    /// The most selections of a line.
    pub const MAX: usize = 100;

    /// Checks the number of selections.
    pub fn new(selections: Vec<Selection>) -> Result<Self, TooManySelections> {
        if selections.len() <= Self::MAX { Ok(Self(selections)) } else { Err(TooManySelections) }
    }

    /// The selections, as the customer wrote them.
    pub fn as_slice(&self) -> &[Selection] {
        &self.0
    }
}

/// An option that was chosen with a line, as it was at the moment of ordering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectedOption {
    /// The option.
    pub option_id: OptionId,
    /// The name of its group.
    pub group: OptionGroupName,
    /// Its name.
    pub name: OptionName,
    /// How often it goes with one of the menu item.
    pub quantity: Quantity,
    /// What one cost with this menu item.
    pub unit_price: Money,
}

names! {
    /// What does not fit of selections, in one word.
    pub enum MisfitKind {
        /// A group needs more of them.
        TooFew = "too-few",
        /// A group, or an option, admits fewer of them.
        TooMany = "too-many",
        /// The menu item offers no such option.
        UnknownOption = "unknown-option",
    }

    /// The text names no such kind.
    pub struct NotAMisfitKind("unknown; there are: too-few, too-many, unknown-option");
}

/// Why a selection, or a lack of them, does not fit the menu item.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum SelectionMisfit {
    /// A group needs more.
    #[error("\"{group}\" needs at least {min}, but has {chosen}")]
    TooFew {
        /// The group.
        group: OptionGroupName,
        /// How many are needed.
        min: u32,
        /// How many are chosen.
        chosen: u32,
    },
    /// With this one, there are more of the group than can be.
    #[error("\"{group}\" admits at most {max}")]
    TooManyOfGroup {
        /// The group.
        group: OptionGroupName,
        /// How many it admits.
        max: u32,
    },
    /// With this one, there are more of the option than can be.
    #[error("\"{option}\" can be chosen at most {max} time(s)")]
    TooManyOfOption {
        /// The option.
        option: OptionName,
        /// How often it can be chosen.
        max: u32,
    },
    /// The menu item offers no such option.
    #[error("is no option of this menu item")]
    UnknownOption,
}

impl SelectionMisfit {
    /// What does not fit, in one word.
    pub const fn kind(&self) -> MisfitKind {
        match self {
            Self::TooFew { .. } => MisfitKind::TooFew,
            Self::TooManyOfGroup { .. } | Self::TooManyOfOption { .. } => MisfitKind::TooMany,
            Self::UnknownOption => MisfitKind::UnknownOption,
        }
    }
}

/// Where in an order something does not fit, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectionFault {
    /// The line, counted from 0.
    pub line: usize,
    /// The selection within the line, counted from 0; `None`: the line lacks one.
    pub selection: Option<usize>,
    /// What does not fit.
    pub misfit: SelectionMisfit,
}
