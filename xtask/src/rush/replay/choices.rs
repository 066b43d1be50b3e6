//! Choices as the file spells them, and the options that they mean.

/// A group of options that have something in common.
struct Known {
    group: &'static str,
    options: &'static [Spellings],
}

/// The name of an option, and how else the file spells it.
type Spellings = (&'static str, &'static [&'static str]);

/// The one choice that makes a menu item dearer.
pub const DEARER: &str = "Guacamole";

/// Where options go that are not known.
const OTHERS: &str = "Choices";

const KNOWN: [Known; 7] = [
    Known {
        group: "Meat",
        options: &[
            ("Adobo-Marinated and Grilled Chicken", &[]),
            ("Adobo-Marinated and Grilled Steak", &[]),
            ("Braised Barbacoa", &[]),
            ("Braised Carnitas", &[]),
        ],
    },
    Known {
        group: "Rice and beans",
        options: &[
            ("Rice", &["White Rice", "Cilantro-Lime Rice"]),
            ("Brown Rice", &[]),
            ("Black Beans", &["Vegetarian Black Beans"]),
            ("Pinto Beans", &[]),
        ],
    },
    Known {
        group: "Salsa",
        options: &[
            ("Fresh Tomato Salsa", &["Fresh Tomato Salsa (Mild)", "Fresh Tomato (Mild)"]),
            ("Roasted Chili Corn Salsa", &["Roasted Chili Corn Salsa (Medium)", "Roasted Chili Corn (Medium)"]),
            (
                "Tomatillo Green Chili Salsa",
                &["Tomatillo-Green Chili Salsa (Medium)", "Tomatillo Green Chili (Medium)"],
            ),
            ("Tomatillo Red Chili Salsa", &["Tomatillo-Red Chili Salsa (Hot)", "Tomatillo Red Chili (Hot)"]),
            // Which one, the file does not say.
            ("Salsa", &[]),
        ],
    },
    Known {
        group: "Toppings",
        options: &[
            ("Cheese", &[]),
            ("Fajita Vegetables", &["Fajita Veggies"]),
            (DEARER, &[]),
            ("Lettuce", &[]),
            ("Sour Cream", &[]),
        ],
    },
    Known {
        group: "Soft drink",
        options: &[
            ("Coke", &["Coca Cola"]),
            ("Diet Coke", &[]),
            ("Diet Dr. Pepper", &[]),
            ("Dr. Pepper", &[]),
            ("Lemonade", &[]),
            ("Mountain Dew", &[]),
            ("Nestea", &[]),
            ("Sprite", &[]),
        ],
    },
    Known { group: "Sparkling juice", options: &[("Blackberry", &[]), ("Clementine", &[]), ("Grapefruit", &[])] },
    Known {
        group: "Juice",
        options: &[
            ("Apple", &[]),
            ("Peach Orange", &[]),
            ("Pineapple Orange Banana", &[]),
            ("Pomegranate Cherry", &[]),
        ],
    },
];

/// The choices of `[Fresh Tomato Salsa, [Rice, Black Beans]]`, as they are spelled. How deep they are nested says no
/// more than the options themselves; `NULL` is none at all.
pub fn spelled(description: &str) -> impl Iterator<Item = &str> {
    let description = if description == "NULL" { "" } else { description };
    description.split([',', '[', ']']).map(str::trim).filter(|spelling| !spelling.is_empty())
}

/// The name of the option that is spelled so, and its group.
pub fn option(spelling: &str) -> (&str, &'static str) {
    let means = |&(name, others): &Spellings| (name == spelling || others.contains(&spelling)).then_some(name);
    let known = KNOWN.iter().find_map(|known| Some((known.options.iter().find_map(means)?, known.group)));
    known.unwrap_or((spelling, OTHERS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_read_out_of_nested_lists() {
        let read = |text| spelled(text).map(|spelling| option(spelling).0).collect::<Vec<_>>();
        assert_eq!(
            read("[[Tomatillo Red Chili (Hot), Fresh Tomato (Mild)], [White Rice, Guacamole]]"),
            ["Tomatillo Red Chili Salsa", "Fresh Tomato Salsa", "Rice", "Guacamole"]
        );
        assert_eq!(read("[Diet Coke]"), ["Diet Coke"]);
        assert_eq!(read("NULL"), [""; 0]);
        assert_eq!(option("Anchovies"), ("Anchovies", OTHERS));
    }

    #[test]
    fn every_spelling_means_one_option() {
        let options = KNOWN.iter().flat_map(|known| known.options);
        let spellings: Vec<_> = options.clone().flat_map(|(name, others)| others.iter().chain([name])).collect();
        let distinct: std::collections::BTreeSet<_> = spellings.iter().collect();
        assert_eq!((options.count(), spellings.len(), distinct.len()), (33, 46, 46));
    }
}
