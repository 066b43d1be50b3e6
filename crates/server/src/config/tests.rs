use std::{fs, path::PathBuf, time::Duration};

use secrecy::ExposeSecret;

use super::*;

/// Everything that must be set, with `overrides`.
fn complete(overrides: &[(&'static str, &'static str)]) -> Source {
    let key = comanda_identity::generate_signing_key().unwrap();
    let mut settings = vec![
        ("DATABASE_URL", "postgres://comanda:hunter2@localhost/comanda"),
        ("REDIS_URL", "redis://:hunter2@localhost/0"),
        ("SECRET_KEY", "hunter2 and a dozen other rabbits run"),
        ("JWT_SIGNING_KEY", key.expose_secret()),
    ];
    settings.retain(|(name, _)| !overrides.iter().any(|(overridden, _)| name == overridden));
    settings.extend(overrides.iter().copied());
    Source::of(&settings)
}

fn mistakes(source: Source) -> Vec<Mistake> {
    Config::load(source).map_or_else(|error| error.0, |_| Vec::new())
}

/// A file of one test, gone afterwards.
struct File(PathBuf);

impl File {
    fn new(text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("comanda-config-{}", uuid::Uuid::now_v7()));
        fs::write(&path, text).unwrap();
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn the_defaults_are_valid() {
    let config = Config::load(complete(&[])).unwrap();
    assert_eq!(config.http.bind_addr.port(), 8080);
    assert_eq!(config.currency, Currency::EUR);
    assert!(config.traces.is_none());
}

#[test]
fn a_night_without_a_receiver_makes_no_dead_letter_and_has_no_mail_given_up() {
    let outbox = Config::load(complete(&[])).unwrap().outbox;
    let (events, mails) = (outbox.retries().outlast(), outbox.mail_retries().outlast());
    let night = Duration::from_hours(12);
    assert!(events > night && mails > night, "{events:?}, {mails:?}");
    assert!(mails < Duration::from_hours(24), "a mail is kept for a day");
}

#[test]
fn a_receiver_of_events_may_have_a_name() {
    let urls = "kitchen=https://a.example/hook?key=x, https://b.example/hook?key=y";
    let config = Config::load(complete(&[("WEBHOOK_URLS", urls), WEBHOOK])).unwrap();
    let receivers = config.webhooks.receivers.iter();
    let receivers: Vec<(Option<String>, &str)> =
        receivers.map(|receiver| (receiver.name.as_ref().map(ToString::to_string), receiver.url.as_str())).collect();
    let expected =
        [(Some("kitchen".to_owned()), "https://a.example/hook?key=x"), (None, "https://b.example/hook?key=y")];
    assert_eq!(receivers, expected);
}

#[test]
fn a_server_drains_except_in_development() {
    let drain = |settings: &[_]| Config::load(complete(settings)).unwrap().drain_time().as_secs();
    assert_eq!((drain(&[]), drain(&[DEVELOPMENT])), (5, 0));
    assert_eq!((drain(&[("DRAIN_SECONDS", "0")]), drain(&[DEVELOPMENT, ("DRAIN_SECONDS", "7")])), (0, 7));
}

const STRIPE: &[(&str, &str)] =
    &[("PAYMENT_GATEWAY", "stripe"), ("STRIPE_SECRET_KEY", "sk_hunter2"), ("STRIPE_WEBHOOK_SECRETS", "whsec_hunter2")];
const WEBHOOK: (&str, &str) = ("WEBHOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
const DEVELOPMENT: (&str, &str) = ("MODE", "development");

/// Of an authority that was made for this test.
const CERTIFICATE: &str = "\
-----BEGIN CERTIFICATE-----
MIIBfDCCASGgAwIBAgIUb+ihvpBBkrIIDmf7SnxJX+T2etkwCgYIKoZIzj0EAwIw
EjEQMA4GA1UEAwwHQ29tYW5kYTAgFw0yNjExMjgwNzIwMTVaGA8yMTI2MTEwNDA3
MjAxNVowEjEQMA4GA1UEAwwHQ29tYW5kYTBZMBMGByqGSM49AgEGCCqGSM49AwEH
A0IABNxtl7IQyJ57EaPCyslsbs++OfpaTk52Inetw20XE9Y+99aDQnMFZJiPgKYC
AnEg748Ar9N+di6wF07ZfePKCUCjUzBRMB0GA1UdDgQWBBQiI2TzGDtpERHzuv2m
BL9sVOujnjAfBgNVHSMEGDAWgBQiI2TzGDtpERHzuv2mBL9sVOujnjAPBgNVHRMB
Af8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQCor1Y3FP3CKaIasDky8KE4maJL
d7wnmXXBdjQRXJvFmwIhAKVihK1ON/LBFnX33SEV+OwBMDTJkvkJDiE0aBr9/Oxi
-----END CERTIFICATE-----
";

type Settings = [(&'static str, &'static str)];

/// A setting, what is wrong for it, and what has to be set besides.
const REFUSED: &[(&str, &str, &Settings)] = &[
    ("MODE", "test", &[]),
    ("CURRENCY", "euro", &[]),
    ("CURRENCY", "EUX", &[]),
    ("CURRENCY", "XXX", &[]),
    ("CURRENCY", "eur", &[]),
    ("TIME_ZONE", "Mars/Olympus Mons", &[]),
    ("TIME_ZONE", "+01:00", &[]),
    ("DATABASE_URL", "", &[]),
    ("DATABASE_URL", "  ", &[]),
    ("MIGRATION_DATABASE_URL", "mysql://localhost/comanda", &[]),
    (
        "MIGRATION_DATABASE_URL",
        "postgres://owner:hunter2@localhost/comanda",
        &[("DATABASE_URL", "postgres://localhost/comanda")],
    ),
    ("DATABASE_URL", "mysql://localhost/comanda", &[]),
    ("DATABASE_URL", "postgres://comanda:hunter2@localhost:port/comanda", &[]),
    ("DATABASE_URL", "postgres://localhost/comanda?sslmode=requires", &[]),
    ("DATABASE_URL", "postgres://localhost/comanda?sslmode=", &[]),
    ("DATABASE_URL", "postgres://localhost/comanda?sslmode=verify-ca", &[]),
    ("DATABASE_URL", "postgres://localhost/comanda?sslmode=verify-full&sslrootcert=/nowhere/ca.pem", &[]),
    ("DATABASE_URL", "postgres://localhost/comanda?sslmode=verify-full&sslrootcert=/dev/null", &[]),
    ("DATABASE_URL", "postgres://localhost/comanda?sslmode=disable&sslrootcert=/dev/null", &[]),
    ("DATABASE_URL", "postgres://localhost/comanda?sslnegotiation=direct", &[]),
    ("DATABASE_REPLICA_URL", "localhost", &[]),
    ("DATABASE_POOL_SIZE", "1", &[]),
    ("DATABASE_POOL_SIZE", "ten", &[]),
    ("DATABASE_RESERVED_FOR_WRITES", "10", &[]),
    ("DATABASE_RESERVED_FOR_WRITES", "2", &[("DATABASE_POOL_SIZE", "2")]),
    ("DATABASE_WAIT_MS", "-1", &[]),
    ("MIGRATE_ON_START", "yes", &[]),
    ("REDIS_URL", "nonsense", &[]),
    ("REDIS_URL", "rediss://localhost/#insecure", &[]),
    ("REDIS_CA", "nonsense", &[("REDIS_URL", "rediss://localhost")]),
    ("REDIS_CA", CERTIFICATE, &[]),
    ("REDIS_URL", "http://localhost", &[]),
    ("BIND_ADDR", "localhost", &[]),
    ("METRICS_ADDR", "9090", &[]),
    ("METRICS_ADDR", "0.0.0.0:8080", &[]),
    ("METRICS_ADDR", "127.0.0.1:1,127.0.0.1:2", &[]),
    ("WORKERS", "0", &[]),
    ("CORS_ORIGINS", "shop.example", &[]),
    ("CORS_ORIGINS", "https://shop.example/", &[]),
    ("CORS_ORIGINS", "*", &[]),
    ("CORS_ORIGINS", "https://*.example", &[]),
    ("SECRET_KEY", "hunter2", &[]),
    ("SECRET_KEY", "                                        ", &[]),
    ("SECRET_KEY", "\t\u{a0}                                        ", &[]),
    ("SECRET_KEY", "hunter2hunter2hunter2hunter2hunter2", &[]),
    ("SECRET_KEY", "0000000000000000000000000000000000000000", &[]),
    ("SECRET_KEY", "abcabcabcabcabcabcabcabcabcabcabcabcabc", &[]),
    ("INSECURE_COOKIES", "true", &[]),
    ("TRUSTED_PROXIES", "10.0.0.0/8,proxy", &[]),
    ("TRUSTED_PROXIES", "0.0.0.0/0", &[]),
    ("TRUSTED_PROXIES", "::/0", &[]),
    ("TRUSTED_PROXIES", "0.0.0.0/1,128.0.0.0/1", &[]),
    ("JWT_SIGNING_KEY", "hunter2", &[]),
    ("JWT_SIGNING_KEY", " ", &[]),
    ("JWT_VERIFICATION_KEYS", "hunter2", &[]),
    ("JWT_VERIFICATION_KEYS", " ", &[]),
    ("JWT_ISSUER", " ", &[]),
    ("ACCESS_TOKEN_SECONDS", "29", &[]),
    ("ACCESS_TOKEN_SECONDS", "86400", &[]),
    ("BROWSER_SESSION_HOURS", "8760", &[]),
    ("LOCKOUT_STEPS_SECONDS", "60,300,900", &[]),
    ("LOCKOUT_STEPS_SECONDS", "60,300,900,0", &[]),
    ("ADDRESS_LIMIT_PER_MINUTE", "60001", &[]),
    ("PASSWORD_THREADS", "0", &[]),
    ("PLACEMENT_BATCH", "0", &[]),
    ("BREAKER_STRIPE", "probes=0", &[]),
    ("FLAG_MENU_CACHE", "101", &[]),
    ("PAYMENT_GATEWAY", "paypal", &[]),
    ("PAYMENT_GATEWAY", "offline", &[]),
    ("STRIPE_SECRET_KEY", "", STRIPE),
    ("STRIPE_SECRET_KEY", " ", &[]),
    ("STRIPE_SECRET_KEY", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", &[]),
    ("STRIPE_WEBHOOK_SECRETS", "whsec_hunter2,aaaaaaaaaaaaaaaaaaaaaaaa", &[]),
    ("STRIPE_SECRET_KEY", "sk_hunter2\n", &[]),
    ("STRIPE_WEBHOOK_SECRETS", "", STRIPE),
    ("STRIPE_WEBHOOK_SECRETS", " , ,", &[]),
    ("STRIPE_API_URL", "api.stripe.com", &[]),
    ("STRIPE_API_URL", "ftp://api.stripe.com", &[]),
    ("STRIPE_API_URL", "http://api.stripe.com", STRIPE),
    ("STRIPE_TIMEOUT_MS", "99", &[]),
    ("MAIL_URL", "https://mail.example", &[]),
    ("MAIL_URL", "smtp://mail.example?tls=maybe", &[]),
    ("MAIL_URL", "smtp://comanda:hunter2@mail.example", &[]),
    ("MAIL_URL", "smtp://comanda:hunter2@mail.example?tls=opportunistic", &[]),
    ("MAIL_URL", " ", &[]),
    ("MAIL_FOLDER", "/tmp", &[]),
    ("MAIL_FOLDER", "/dev/null/mails", &[DEVELOPMENT]),
    ("MAIL_FROM", "nobody", &[]),
    ("MAIL_LANGUAGE", "it", &[]),
    ("MAIL_REQUESTS_PER_HOUR", "0", &[]),
    ("MAIL_PER_HOUR", "0", &[]),
    ("WEBHOOK_URLS", "kitchen", &[WEBHOOK]),
    ("WEBHOOK_URLS", "ftp://kitchen.example/hook", &[WEBHOOK]),
    ("WEBHOOK_URLS", "mail=https://kitchen.example/hook", &[WEBHOOK]),
    ("WEBHOOK_URLS", "Küche=https://kitchen.example/hook", &[WEBHOOK]),
    ("WEBHOOK_URLS", "=https://kitchen.example/hook", &[WEBHOOK]),
    ("WEBHOOK_URLS", "kitchen=hook", &[WEBHOOK]),
    ("WEBHOOK_URLS", "kitchen=https://127.0.0.1/hook", &[WEBHOOK]),
    ("WEBHOOK_URLS", "kitchen=https://a.example/,kitchen=https://b.example/", &[WEBHOOK]),
    ("WEBHOOK_URLS", "http://kitchen.example/hook", &[WEBHOOK]),
    ("WEBHOOK_URLS", "https://127.0.0.1/hook", &[WEBHOOK]),
    ("WEBHOOK_SECRET", "", &[("WEBHOOK_URLS", "https://kitchen.example/hook")]),
    ("WEBHOOK_SECRET", "hunter2", &[]),
    ("WEBHOOK_SECRET", " ", &[]),
    ("WEBHOOK_SECRET", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", &[]),
    ("SERVE_DOCS", "no", &[]),
    ("WEBHOOK_ALLOWED_NETWORKS", "kitchen", &[]),
    ("OUTBOX_ATTEMPTS", "0", &[]),
    ("LOG", "info,comanda=debugg", &[]),
    ("LOG", "verbose", &[]),
    ("LOG", "inf", &[]),
    ("LOG", "inf0", &[]),
    ("LOG", "info;warn", &[]),
    ("LOG", "comanda_postgres", &[]),
    ("LOG", "inf,comanda[{a,b}]=debug", &[]),
    ("LOG", "comanda=inf", &[]),
    ("LOG_FORMAT", "xml", &[]),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318", &[]),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "grpc://collector:4317", &[]),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318?x=1", &[]),
    ("TRACE_PERCENT", "101", &[]),
];

#[test]
fn each_mistake_is_refused_once_with_the_name_of_its_setting() {
    for (name, value, others) in REFUSED {
        let mut settings: Vec<(&str, &str)> = others.to_vec();
        settings.retain(|(other, _)| other != name);
        settings.push((*name, *value));
        let mistakes = mistakes(complete(&settings));
        assert_eq!(
            mistakes.iter().map(|mistake| mistake.setting).collect::<Vec<_>>(),
            [Some(*name)],
            "{name}={value:?}"
        );
        assert!(!mistakes[0].to_string().contains("hunter2"), "{mistakes:?}");
    }
}

#[test]
fn plain_text_to_other_machines_is_warned_of_in_production() {
    let warnings = |settings: &[(&'static str, &'static str)]| {
        let warnings = Config::load(complete(settings)).unwrap().warnings;
        warnings.iter().filter_map(|warning| warning.setting).collect::<Vec<_>>()
    };
    let plain = [
        ("DATABASE_URL", "postgres://comanda:hunter2@10.0.0.7/comanda"),
        ("DATABASE_REPLICA_URL", "postgres://comanda:hunter2@localhost,db.example/comanda?sslmode=disable"),
        ("REDIS_URL", "redis://cache.example"),
    ];
    assert_eq!(warnings(&plain), ["DATABASE_URL", "DATABASE_REPLICA_URL", "REDIS_URL"]);
    assert!(warnings(&[plain[0], plain[1], plain[2], DEVELOPMENT]).is_empty());
    let encrypted = [
        ("DATABASE_URL", "postgres://10.0.0.7/comanda?sslmode=require"),
        ("DATABASE_REPLICA_URL", "postgres:///comanda?host=/run/postgresql"),
        ("REDIS_URL", "rediss://cache.example"),
        ("REDIS_CA", CERTIFICATE),
    ];
    assert!(warnings(&encrypted).is_empty());
    assert!(warnings(&[]).is_empty(), "localhost");
}

#[test]
fn what_is_dangerous_in_production_is_allowed_in_development() {
    let settings = [
        ("MODE", "development"),
        ("INSECURE_COOKIES", "true"),
        ("TRUSTED_PROXIES", "0.0.0.0/0,::/0"),
        ("PAYMENT_GATEWAY", "stripe"),
        ("STRIPE_SECRET_KEY", "sk_hunter2"),
        ("STRIPE_WEBHOOK_SECRETS", "whsec_old,whsec_new"),
        ("STRIPE_API_URL", "http://127.0.0.1:12111"),
        ("MAIL_URL", "smtp://comanda:hunter2@localhost"),
        ("MAIL_FOLDER", "/tmp/comanda/mails"),
    ];
    let config = Config::load(complete(&settings)).unwrap();
    assert_eq!(config.payments.webhook_secrets(), ["whsec_old", "whsec_new"]);
}

#[test]
fn all_mistakes_are_listed_at_once() {
    let wrong = [
        ("DATABASE_URL", ""),
        ("CURRENCY", "euro"),
        ("BIND_ADDR", "here"),
        ("INSECURE_COOKIES", "true"),
        ("PLACEMENT_BATCH", "0"),
        ("CORS_ORIGINS", "a.example,b.example"),
        ("LOG_FORMAT", "xml"),
    ];
    let found = mistakes(complete(&wrong));
    let mut names: Vec<&str> = found.iter().filter_map(|mistake| mistake.setting).collect();
    names.sort_unstable();
    let mut expected: Vec<&str> = wrong.iter().map(|(name, _)| *name).chain(["CORS_ORIGINS"]).collect();
    expected.sort_unstable();
    assert_eq!(names, expected, "{found:?}");
}

#[test]
fn secrets_never_print() {
    let settings = [
        ("STRIPE_SECRET_KEY", "sk_hunter2"),
        ("STRIPE_WEBHOOK_SECRETS", "whsec_hunter2"),
        ("MAIL_URL", "smtps://comanda:hunter2@mail.example"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://comanda:hunter2@collector.example"),
    ];
    let config = Config::load(complete(&settings)).unwrap();
    assert!(!format!("{config:?}").contains("hunter2"), "{config:?}");
}

#[test]
fn a_file_may_hold_a_secret_and_must_not_be_empty() {
    let (key, empty) = (File::new("hunter2 and a dozen other rabbits run\n"), File::new(" \n"));
    let with = |path: &PathBuf| {
        let mut source = complete(&[("SECRET_KEY", "")]);
        source.environment.insert("SECRET_KEY_FILE".into(), path.into());
        source
    };
    let config = Config::load(with(&key.0)).unwrap();
    assert_eq!(config.http.secret_key.expose(), "hunter2 and a dozen other rabbits run");
    for path in [&empty.0, &PathBuf::from("/nowhere")] {
        let mistakes = mistakes(with(path));
        assert_eq!(mistakes.iter().map(|mistake| mistake.setting).collect::<Vec<_>>(), [Some("SECRET_KEY")]);
    }
    let mut optional = complete(&[]);
    optional.environment.insert("STRIPE_SECRET_KEY_FILE".into(), (&empty.0).into());
    assert_eq!(mistakes(optional).len(), 1, "whoever names a file means it to hold a secret");
}

/// While a secret is being replaced.
#[test]
fn two_secrets_of_webhooks_may_be_in_a_setting_or_on_the_lines_of_a_file() {
    const SIGNING: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw,whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDMdQtYxHKL1c=";
    let stripe = "whsec_of_before,whsec_of_afterwards";
    for separator in [",", ", ", "\n"] {
        let [stripe, signing] = [stripe, SIGNING].map(|list| File::new(&format!("{}\n", list.replace(',', separator))));
        let mut source = complete(&[("WEBHOOK_URLS", "kitchen=https://kitchen.example/hook")]);
        source.environment.insert("STRIPE_WEBHOOK_SECRETS_FILE".into(), (&stripe.0).into());
        source.environment.insert("WEBHOOK_SECRET_FILE".into(), (&signing.0).into());
        let config = Config::load(source).unwrap();
        assert_eq!(config.payments.webhook_secrets(), ["whsec_of_before", "whsec_of_afterwards"], "{separator:?}");
        assert_eq!(config.webhooks.configs(Duration::ZERO)[0].secrets.len(), 2, "{separator:?}");
    }
    let one_wrong = mistakes(complete(&[]).with("WEBHOOK_SECRET", &format!("{SIGNING},hunter2")));
    assert_eq!(one_wrong.iter().map(|mistake| mistake.setting).collect::<Vec<_>>(), [Some("WEBHOOK_SECRET")]);
}

#[test]
fn a_secret_that_could_be_guessed_is_refused_from_every_source() {
    for weak in ["", "   ", &" ".repeat(40), &"a".repeat(40), &"ab".repeat(20), &"hunter2".repeat(6)] {
        let environment = complete(&[]).without("SECRET_KEY").with("SECRET_KEY", weak);
        let file = File::new(&format!("{weak}\n"));
        let named = complete(&[]).without("SECRET_KEY").with("SECRET_KEY_FILE", file.0.to_str().unwrap());
        let table = File::new(&format!("secret_key = \"{weak}\"\n"));
        let configured = complete(&[]).without("SECRET_KEY").and_file(&table.0);
        for (source, name) in [(environment, "variable"), (named, "file"), (configured, "table")] {
            let found: Vec<_> = mistakes(source).iter().map(|mistake| mistake.setting).collect();
            assert_eq!(found, [Some("SECRET_KEY")], "{weak:?} from the {name}");
        }
    }
}

#[test]
fn keys_that_are_accepted_beside_the_current_one_are_as_strong() {
    let keys = "the first of a dozen keys, and its commas\r\n\nthe second of a dozen keys, and its commas\n";
    let config = Config::load(complete(&[("VERIFICATION_SECRET_KEYS", keys)])).unwrap();
    let accepted: Vec<&str> = config.http.verification_secret_keys.iter().map(super::Secret::expose).collect();
    assert_eq!(accepted, keys.lines().filter(|line| !line.is_empty()).collect::<Vec<_>>());
    let weak = mistakes(complete(&[]).with("VERIFICATION_SECRET_KEYS", &format!("{keys}hunter2")));
    let found: Vec<_> = weak.iter().map(|mistake| (mistake.setting, mistake.message.as_str())).collect();
    assert_eq!(found, [(Some("VERIFICATION_SECRET_KEYS"), "key 3 must have at least 32 characters")]);
}

#[test]
fn the_environment_comes_before_the_configuration_file() {
    let file = File::new("currency = \"CHF\"\nworkers = 4\nmigrate_on_start = false\n");
    let config = Config::load(complete(&[("CURRENCY", "USD")]).and_file(&file.0)).unwrap();
    assert_eq!((config.currency.code(), config.http.workers.get()), ("USD", 4));
    assert!(!config.database.migrate_on_start);
}

#[test]
fn mistakes_in_the_configuration_file_are_found() {
    let file = File::new("currencyy = \"CHF\"\nworkers = [4]\nsecret_key = \"\"\njwt_signing_key = \" \"\n");
    let found = mistakes(complete(&[("SECRET_KEY", ""), ("JWT_SIGNING_KEY", "")]).and_file(&file.0));
    let mut names: Vec<Option<&str>> = found.iter().map(|mistake| mistake.setting).collect();
    names.sort_unstable();
    assert_eq!(names, [None, Some("JWT_SIGNING_KEY"), Some("SECRET_KEY"), Some("WORKERS")], "{found:?}");
}

#[test]
fn a_configuration_file_that_cannot_be_read_is_one_mistake() {
    let broken = File::new("secret_key = hunter2");
    for path in [&broken.0, &PathBuf::from("/nowhere.toml")] {
        let found = mistakes(Source::default().and_file(path));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(!found[0].to_string().contains("hunter2"), "{found:?}");
    }
}

#[test]
fn a_variable_that_is_not_utf_8_is_a_mistake() {
    use std::os::unix::ffi::OsStrExt;

    let mut source = complete(&[]);
    source.environment.insert("SECRET_KEY".into(), std::ffi::OsStr::from_bytes(&[0xff; 40]).into());
    assert_eq!(mistakes(source)[0].to_string(), "SECRET_KEY: is not valid UTF-8");
}

#[test]
fn every_number_and_duration_has_a_range() {
    for setting in settings() {
        let needs = matches!(setting.kind, "a number" | "a duration");
        assert_eq!(needs, setting.range.is_some(), "{}", setting.name);
    }
}

#[test]
fn the_documentation_lists_every_setting() {
    let page = include_str!("../../../../docs/configuration.md");
    assert!(page.contains(&table()), "run `comanda config list` and paste the tables:\n{}", table());
}

#[test]
fn the_tables_of_settings_change_only_on_purpose() {
    insta::assert_snapshot!(table());
}

#[test]
fn a_line_break_after_the_secret_is_no_part_of_it_but_what_was_made_with_it_counts() {
    const KEY: &str = "a secret of the tests, and of nobody else";
    let message: &[&[u8]] = &[b"message"];
    let derived = |secret: &str| {
        let config = Config::load(complete(&[]).with("SECRET_KEY", secret)).unwrap();
        config.http.secret_keys().derive("a purpose")
    };
    let (plain, with_break) = (derived(KEY), derived(&format!("{KEY}\n")));
    assert_eq!(plain.tag(message), with_break.tag(message));
    let whole = comanda_identity::SecretKeys::from(&format!("{KEY}\n").into()).derive("a purpose").tag(message);
    assert!(with_break.verify(message, &whole) && !plain.verify(message, &whole));
    let two = mistakes(complete(&[]).with("SECRET_KEY", &format!("{KEY}\n{KEY}")));
    assert!(two.len() == 1 && two[0].message.contains("one line"), "{two:?}");
}
