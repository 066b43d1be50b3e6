use std::sync::Arc;

use comanda_domain::ports::MenuSubscriber;
use comanda_redis::RedisMenuCache;

use super::worker::Worker;

/// Passes on what other servers announce about the menu.
pub fn listen_for_menu_notifications(cache: Arc<RedisMenuCache>, subscriber: Arc<dyn MenuSubscriber>) -> Worker {
    Worker::endless("listen_for_menu_notifications", move |context| {
        let (cache, subscriber) = (Arc::clone(&cache), Arc::clone(&subscriber));
        async move { cache.listen(&*subscriber, || context.succeeded()).await }
    })
}
