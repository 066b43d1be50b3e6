//! Collects the names of all statements from the sources, so that each has its counters before it first runs: an alert
//! goes by the increase of a counter, which the first increment of a new one is not.

use std::{collections::BTreeSet, env, fs, io, path::Path};

/// What a name follows.
const BEFORE_NAMES: [&str; 4] = [".one(", ".rows(", ".changes(", "Rule::of("];

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=src");
    let mut names = BTreeSet::new();
    collect(Path::new("src"), &mut names)?;
    let folder = env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?;
    fs::write(Path::new(&folder).join("statement_names.rs"), format!("&{:?}", Vec::from_iter(names)))
}

fn collect(folder: &Path, names: &mut BTreeSet<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, names)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(&path)?;
            for before in BEFORE_NAMES {
                let arguments = source.split(before).skip(1).map(str::trim_start);
                let quoted = arguments.filter_map(|text| text.strip_prefix('"')?.split_once('"'));
                names.extend(quoted.map(|(name, _)| name.to_owned()));
            }
        }
    }
    Ok(())
}
