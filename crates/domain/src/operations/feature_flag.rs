//! Feature flags: switches for what is rolled out in steps.

use crate::names::names;

use thiserror::Error;

names! {
    /// A feature flag.
    pub enum FeatureFlag {
        /// The menu is read from copies; off means that each read goes to the store. Subjects are reads.
        MenuCache = "menu-cache",
        /// A change of an item renews its own entry in the cache only; off means all entries. Subjects are items.
        PartialInvalidation = "menu-cache.partial-invalidation",
    }

    /// The text names no flag.
    pub struct NotAFlag("not a feature flag");
}

/// The number is not between 0 and 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be between 0 and 100")]
pub struct PercentageOutOfRange;

/// The share of subjects a flag is on for: 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Percentage(u8);

impl Percentage {
    /// Every subject.
    pub const ALL: Self = Self(100);

    /// Checks the range.
    pub fn new(percentage: i64) -> Result<Self, PercentageOutOfRange> {
        match u8::try_from(percentage) {
            Ok(share @ 0..=100) => Ok(Self(share)),
            _ => Err(PercentageOutOfRange),
        }
    }

    /// The number.
    pub const fn get(self) -> u8 {
        self.0
    }

    /// Whether a subject is within the share, by a hash of the flag's name and the subject, which is the same on every
    /// machine and in every version. A subject that is in stays in as the share grows. Whether it is in for one flag
    /// says nothing about another.
    pub fn includes(self, flag: FeatureFlag, subject: &str) -> bool {
        let bytes = flag.as_str().bytes().chain([0]).chain(subject.bytes());
        bucket(bytes) < u64::from(self.0)
    }
}

/// The percentages of flags that nobody has set.
#[derive(Clone, Copy, Debug)]
pub struct FlagDefaults {
    /// The default of [`FeatureFlag::MenuCache`].
    pub menu_cache: Percentage,
    /// The default of [`FeatureFlag::PartialInvalidation`].
    pub partial_invalidation: Percentage,
}

impl FlagDefaults {
    /// The default of a flag.
    pub const fn of(&self, flag: FeatureFlag) -> Percentage {
        match flag {
            FeatureFlag::MenuCache => self.menu_cache,
            FeatureFlag::PartialInvalidation => self.partial_invalidation,
        }
    }
}

/// FNV-1a (draft-eastlake-fnv), whose low bits are poor for short texts, hence the finalizer of `MurmurHash3`; then 0
/// to 99.
fn bucket(bytes: impl Iterator<Item = u8>) -> u64 {
    let hash = bytes
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    (hash ^ (hash >> 33)) % 100
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_share_is_what_it_says() {
        for (percentage, expected) in
            [(0, 0..=0), (1, 60..=140), (50, 4_800..=5_200), (99, 9_860..=9_940), (100, 10_000..=10_000)]
        {
            let share = Percentage::new(percentage).unwrap();
            let included =
                (0..10_000).filter(|n| share.includes(FeatureFlag::PartialInvalidation, &format!("item {n}"))).count();
            assert!(expected.contains(&included), "{percentage} %: {included} of 10000");
        }
        assert!(Percentage::new(101).is_err() && Percentage::new(-1).is_err());
    }

    #[test]
    fn the_hash_is_the_same_for_ever() {
        let at = |subject| (0..=100).find(|p| Percentage(*p).includes(FeatureFlag::MenuCache, subject)).unwrap();
        assert_eq!([at(""), at("a"), at("carbonara")], [70, 41, 8]);
    }

    proptest! {
        #[test]
        fn who_is_in_stays_in(subject in ".*", lower in 0_u8..=100, higher in 0_u8..=100) {
            prop_assume!(lower <= higher);
            let flag = FeatureFlag::PartialInvalidation;
            prop_assert!(!Percentage(lower).includes(flag, &subject) || Percentage(higher).includes(flag, &subject));
        }
    }
}
