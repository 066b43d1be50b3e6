use comanda_identity::HashingThread;

use super::worker::Worker;

/// Hashes passwords, one at a time. Register one per thread, numbered from 1.
pub fn hash_passwords(number: usize, thread: HashingThread) -> Worker {
    /// The lowest priority: a flood of sign-ins should not slow down readers of the menu.
    const NICE: i32 = 19;

    Worker::endless(format!("hash_passwords_{number}"), move |context| {
        let thread = thread.clone();
        async move {
            context.ready();
            thread.run(|| context.succeeded()).await;
            // It ends with the hasher, which is dropped with the last request.
            context.cancelled().await;
        }
    })
    .on_own_thread(Some(NICE))
}
