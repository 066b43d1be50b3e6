//! Mails to customers.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use comanda_domain::MailLimits;
use comanda_notify::{Language, MailConfig, MailTransport, Sender, SmtpUrl};
use rustix::fs::{Access, access};

use super::{reader::Reader, setting::settings};

settings! {
    /// How customers are written to.
    pub struct MailSettings checked by check {
        MAIL_URL => url: Option<SmtpUrl> = "",
            "The mail server that sends mails to customers: `smtp://user:password@host:587?tls=required` or \
             `smtps://…`; by default nobody is written to.";
        MAIL_FOLDER => folder: Option<PathBuf> = "",
            "In development: a folder that mails are written to instead.";
        MAIL_FROM => from: Sender = "Comanda <orders@comanda.invalid>",
            "The sender of mails.";
        MAIL_LANGUAGE => language: Language = "en",
            "The language of mails: `en` or `de`.";
        MAIL_REQUESTS_PER_HOUR => requests_per_hour: u32 in 1..=1_000 = 5,
            "How many mails an address gets per hour because somebody asked for them: this many to verify the address, and \
             this many to reset the password. An account has one address; addresses that differ by a `+tag` alone are \
             one.";
        MAIL_PER_HOUR => per_hour: u32 in 1..=100_000 = 60,
            "How many other mails an address gets per hour: this many about orders, and this many notices. Further ones are \
             left out.";
    }
}

fn check(draft: &Draft, reader: &mut Reader) {
    if let Some(Some(url)) = &draft.url
        && url.risks_its_password()
        && reader.is_production()
    {
        let what = "the password could be sent without TLS: use smtps:// or tls=required, or set MODE=development \
                    if that is meant";
        reader.mistake(&MAIL_URL, what);
    }
    let Some(Some(folder)) = &draft.folder else { return };
    if reader.is_production() {
        reader.mistake(&MAIL_FOLDER, "mails in a folder reach nobody: set MODE=development if that is meant");
    } else if !can_be_made(folder) {
        reader.mistake(&MAIL_FOLDER, format!("{} is not a folder that can be written to", folder.display()));
    }
}

/// Whether a folder is there and can be written to, or the nearest one above that is.
fn can_be_made(folder: &Path) -> bool {
    let existing = folder.ancestors().map(|path| if path.as_os_str().is_empty() { Path::new(".") } else { path });
    let nearest = existing.into_iter().find(|path| path.exists());
    nearest.is_some_and(|path| path.is_dir() && access(path, Access::WRITE_OK | Access::EXEC_OK).is_ok())
}

impl MailSettings {
    pub fn limits(&self) -> MailLimits {
        MailLimits { requested: self.requests_per_hour, others: self.per_hour }
    }

    /// Whether customers are written to.
    pub fn sends(&self) -> bool {
        self.url.is_some() || self.folder.is_some()
    }

    /// `None`: customers are not written to.
    pub fn config(&self, timeout: Duration) -> Option<MailConfig> {
        let transport = match (&self.url, &self.folder) {
            (Some(url), _) => MailTransport::Smtp(url.clone()),
            (None, Some(folder)) => MailTransport::Folder(folder.clone()),
            (None, None) => return None,
        };
        Some(MailConfig { transport, from: self.from.clone(), language: self.language, timeout })
    }
}
