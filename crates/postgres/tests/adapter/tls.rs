use std::time::Duration;

use comanda_postgres::{Database, DatabaseConfig, DatabaseUrl};
use comanda_tests::{Accepts, TestAuthority, TestDatabase, TestPostgres};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

use crate::shop;

const NAME: &str = "postgres.example";
const OTHER_NAME: &str = "db.example";

/// The connections that a pool opens: encrypted, and not.
async fn opened(postgres: &TestPostgres, host: &str, parameters: &str) -> (bool, bool) {
    opened_by(postgres, &postgres.url_by(host, parameters)).await
}

async fn opened_by(postgres: &TestPostgres, url: &str) -> (bool, bool) {
    let parsed: DatabaseUrl = url.parse().unwrap();
    let database = TestDatabase::empty().await;
    let config = DatabaseConfig { url: parsed, ..shop::config(&database, Duration::from_secs(10)) };
    let database = Database::connect(config).await.unwrap_or_else(|error| panic!("{url}: {error}"));
    let (encrypted, plain) = postgres.connections().await;
    drop(database);
    while postgres.connections().await != (0, 0) {
        tokio::task::yield_now().await;
    }
    (encrypted > 0, plain > 0)
}

const ENCRYPTED: (bool, bool) = (true, false);
const PLAIN: (bool, bool) = (false, true);

/// Why nothing can be opened.
async fn refused(postgres: &TestPostgres, host: &str, parameters: &str) -> String {
    let url: DatabaseUrl = postgres.url_by(host, parameters).parse().unwrap();
    let database = TestDatabase::empty().await;
    let wait_for_connection = Duration::from_secs(1);
    let config = DatabaseConfig { url, wait_for_connection, ..shop::config(&database, Duration::from_secs(10)) };
    let error = Database::connect(config).await.err().unwrap_or_else(|| panic!("{parameters}: was not refused"));
    assert_eq!(postgres.connections().await, (0, 0), "{parameters}");
    error.to_string()
}

#[tokio::test]
async fn each_mode_verifies_as_much_of_a_server_as_it_promises() {
    let (authority, other) = (TestAuthority::new(), TestAuthority::new());
    let postgres = TestPostgres::start(Some(&authority.certify(&[NAME])), Accepts::Everything).await;
    let (ours, others) = (authority.file(), other.file());

    assert_eq!(opened(&postgres, OTHER_NAME, "sslmode=disable").await, PLAIN);
    for parameters in ["application_name=comanda", "sslmode=prefer", "sslmode=require"] {
        assert_eq!(opened(&postgres, OTHER_NAME, parameters).await, ENCRYPTED, "{parameters}");
    }
    for mode in ["require", "verify-ca", "verify-full"] {
        let parameters = format!("sslmode={mode}&sslrootcert={ours}");
        assert_eq!(opened(&postgres, NAME, &parameters).await, ENCRYPTED, "{mode}");
        let reason = refused(&postgres, NAME, &format!("sslmode={mode}&sslrootcert={others}")).await;
        assert!(reason.contains("its certificate was not issued by an authority that is trusted"), "{mode}: {reason}");
    }
    for mode in ["require", "verify-ca"] {
        let parameters = format!("sslmode={mode}&sslrootcert={ours}");
        assert_eq!(opened(&postgres, OTHER_NAME, &parameters).await, ENCRYPTED, "{mode}");
    }
    let reason = refused(&postgres, OTHER_NAME, &format!("sslmode=verify-full&sslrootcert={ours}")).await;
    assert!(reason.contains("its certificate is not for db.example but for"), "{reason}");
    assert!(reason.contains(NAME), "{reason}");
    let reason = refused(&postgres, NAME, "sslmode=verify-full").await;
    assert!(reason.contains("its certificate was not issued by an authority that is trusted"), "{reason}");
}

#[tokio::test]
async fn a_server_may_be_named_by_its_address() {
    let authority = TestAuthority::new();
    let postgres = TestPostgres::start(Some(&authority.certify(&["127.0.0.1"])), Accepts::OnlyEncrypted).await;
    let parameters = format!("sslmode=verify-full&sslrootcert={}", authority.file());
    assert_eq!(opened(&postgres, "127.0.0.1", &parameters).await, ENCRYPTED);
}

#[tokio::test]
async fn without_tls_at_the_server_only_who_needs_none_connects() {
    let authority = TestAuthority::new();
    let postgres = TestPostgres::start(None, Accepts::Everything).await;
    for parameters in ["", "sslmode=prefer", "sslmode=disable"] {
        assert_eq!(opened(&postgres, NAME, parameters).await, PLAIN, "{parameters}");
    }
    let own = authority.file();
    for mode in ["require", &format!("verify-ca&sslrootcert={own}"), &format!("verify-full&sslrootcert={own}")] {
        let reason = refused(&postgres, NAME, &format!("sslmode={mode}")).await;
        assert!(reason.contains("server does not support TLS"), "{mode}: {reason}");
    }
}

#[tokio::test]
async fn who_prefers_tls_does_without_where_the_server_takes_plain_connections_only() {
    let authority = TestAuthority::new();
    let postgres = TestPostgres::start(Some(&authority.certify(&[NAME])), Accepts::OnlyPlain).await;
    assert_eq!(opened(&postgres, NAME, "sslmode=prefer").await, PLAIN);
    let reason = refused(&postgres, NAME, "sslmode=require").await;
    assert!(reason.contains("no pg_hba.conf entry"), "{reason}");
}

/// The hosts of a URL have not much in common: one will not have TLS, another is not there.
#[tokio::test]
async fn who_prefers_tls_does_without_at_each_host_that_will_not_have_it() {
    let authority = TestAuthority::new();
    let postgres = TestPostgres::start(Some(&authority.certify(&[NAME])), Accepts::OnlyPlain).await;
    let port = postgres.port();
    for hosts in [format!("{NAME}:{port},gone.example:1"), format!("gone.example:1,{NAME}:{port}")] {
        let parameters = "hostaddr=127.0.0.1,127.0.0.1&sslmode=prefer";
        let url = postgres.url_by(NAME, "").replace(&format!("{NAME}:{port}"), &hosts);
        let url = url.replace("hostaddr=127.0.0.1&", parameters);
        assert_eq!(opened_by(&postgres, &url).await, PLAIN, "{hosts}");
    }
}

/// Such as a proxy that says it speaks TLS.
#[tokio::test]
async fn who_prefers_tls_does_without_where_a_handshake_is_cut_off() {
    // What a client asks for that would encrypt its connection.
    const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
    let authority = TestAuthority::new();
    let postgres = TestPostgres::start(Some(&authority.certify(&[NAME])), Accepts::Everything).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, behind) = (listener.local_addr().unwrap().port(), postgres.port());
    let proxy = tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut begin = [0; 8];
                client.read_exact(&mut begin).await.unwrap();
                if begin == SSL_REQUEST {
                    client.write_all(b"S").await.unwrap();
                    // Closed without what is unread, it would be reset.
                    let _ = client.read(&mut [0; 4096]).await;
                    return;
                }
                let mut server = TcpStream::connect(("127.0.0.1", behind)).await.unwrap();
                server.write_all(&begin).await.unwrap();
                let _ = copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    let at_the_proxy = |parameters: &str| {
        postgres.url_by(NAME, parameters).replace(&format!("{NAME}:{behind}"), &format!("{NAME}:{port}"))
    };
    assert_eq!(opened_by(&postgres, &at_the_proxy("sslmode=prefer")).await, PLAIN);
    let required = at_the_proxy("sslmode=require").parse::<DatabaseUrl>().unwrap();
    assert!(required.probe(Duration::from_secs(10)).await.is_err());
    proxy.abort();
}

/// A sign-in that is bound to the server's certificate cannot be passed on by somebody in between, even where the
/// certificate is not verified.
#[tokio::test]
async fn a_sign_in_can_be_bound_to_the_certificate() {
    let authority = TestAuthority::new();
    let postgres = TestPostgres::start(Some(&authority.certify(&[NAME])), Accepts::OnlyEncrypted).await;
    assert_eq!(opened(&postgres, OTHER_NAME, "sslmode=require&channel_binding=require").await, ENCRYPTED);
}
