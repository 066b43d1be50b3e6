use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Keeps a picture in `target/screenshots`, and in `docs/screenshots` too if `UPDATE_SCREENSHOTS` is set.
pub(crate) fn save(name: &str, picture: &[u8]) -> io::Result<()> {
    write(&root().join("target/screenshots"), name, picture)?;
    if std::env::var_os("UPDATE_SCREENSHOTS").is_some() {
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
