use crate::names::names;

names! {
    /// What must be declared because some people cannot eat it: the fourteen of Regulation (EU) No 1169/2011, annex II,
    /// in its order.
    #[derive(PartialOrd, Ord)]
    pub enum Allergen {
        /// Cereals containing gluten.
        Gluten = "gluten",
        /// Crustaceans.
        Crustaceans = "crustaceans",
        /// Eggs.
        Eggs = "eggs",
        /// Fish.
        Fish = "fish",
        /// Peanuts.
        Peanuts = "peanuts",
        /// Soybeans.
        Soybeans = "soybeans",
        /// Milk, lactose included.
        Milk = "milk",
        /// Nuts: almonds, hazelnuts, walnuts, cashews, pecans, Brazil nuts, pistachios, macadamia nuts.
        Nuts = "nuts",
        /// Celery.
        Celery = "celery",
        /// Mustard.
        Mustard = "mustard",
        /// Sesame seeds.
        Sesame = "sesame",
        /// Sulphur dioxide and sulphites.
        Sulphites = "sulphites",
        /// Lupin.
        Lupin = "lupin",
        /// Molluscs.
        Molluscs = "molluscs",
    }

    /// The text names no allergen.
    pub struct NotAnAllergen(
        "an allergen is gluten, crustaceans, eggs, fish, peanuts, soybeans, milk, nuts, celery, mustard, sesame, \
         sulphites, lupin or molluscs"
    );
}
