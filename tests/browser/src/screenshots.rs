use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The pictures that README.md shows.
const SHOWN: [&str; 8] = [
    "customers-menu-1280",
    "customers-menu-360",
    "customers-choices-360",
    "customers-order-ready-360",
    "kitchen-board-1280",
    "kitchen-board-768",
    "office-orders-1280",
    "office-sales-1280",
];

/// Keeps a picture in `target/screenshots`. If `UPDATE_SCREENSHOTS` is set, those of README.md are in
/// `docs/screenshots` too.
pub(crate) fn save(name: &str, picture: &[u8]) -> io::Result<()> {
    write(&root().join("target/screenshots"), name, picture)?;
    if SHOWN.contains(&name) && std::env::var_os("UPDATE_SCREENSHOTS").is_some() {
        write(&root().join("docs/screenshots"), name, picture)?;
    }
    Ok(())
}

/// Keeps a picture of a page on which a test has failed.
pub(crate) fn save_failed(name: &str, picture: &[u8]) -> io::Result<()> {
    write(&root().join("target/screenshots"), name, picture)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn write(folder: &Path, name: &str, picture: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join(format!("{name}.png")), picture)
}
