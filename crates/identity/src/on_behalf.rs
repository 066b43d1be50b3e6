//! For which client work is done. Whatever works for a request can tell without getting it through every port, so that
//! passwords can be hashed fairly.

use comanda_domain::ClientNetwork;

tokio::task_local! {
    static CLIENT: ClientNetwork;
}

/// Does work for a client: the passwords that it hashes or compares wait with others of the same client, and not in
/// front of everybody else's.
pub async fn hashing_for<T>(client: ClientNetwork, work: impl Future<Output = T>) -> T {
    CLIENT.scope(client, work).await
}

/// The same work for the same client, to be spawned as a task of its own.
pub fn for_same_client<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    let client = client();
    async move {
        match client {
            Some(client) => CLIENT.scope(client, work).await,
            None => work.await,
        }
    }
}

/// `None`: the work is nobody's in particular.
pub(crate) fn client() -> Option<ClientNetwork> {
    CLIENT.try_with(|client| *client).ok()
}
