/// The pages there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    Customers,
    Kitchen,
    Office,
}

impl Page {
    pub const ALL: [Self; 3] = [Self::Customers, Self::Kitchen, Self::Office];

    pub const fn template(self) -> &'static str {
        match self {
            Self::Customers => "customers.html",
            Self::Kitchen => "kitchen.html",
            Self::Office => "office.html",
        }
    }

    /// The script that makes it live; it loads all others.
    pub const fn script(self) -> &'static str {
        match self {
            Self::Customers => "customers.js",
            Self::Kitchen => "kitchen.js",
            Self::Office => "office.js",
        }
    }
}
