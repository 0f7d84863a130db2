//! Look-ups of names, each of which holds a thread until the resolver has answered.
//!
//! Nothing ends a look-up before: not the request that wanted it, whose time a guest chooses. So what
//! bounds them is kept until the thread is free, and one plugin has a part of it only.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, LazyLock};

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// Look-ups at once, over all plugins: look-ups of messages want threads too.
const LOOKUPS_MAX: usize = 64;

static ALL: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(LOOKUPS_MAX)));

/// The look-ups of one plugin.
#[derive(Debug)]
pub(super) struct Lookups {
    own: Arc<Semaphore>,
    all: Arc<Semaphore>,
}

impl Lookups {
    /// Those of a plugin that may have so many at once.
    pub(super) fn new(own: Arc<Semaphore>) -> Self {
        let all = ALL.clone();
        Self { own, all }
    }

    /// The addresses that a host stands for.
    ///
    /// # Errors
    /// The resolver's.
    pub(super) async fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let host = host.to_owned();
        self.run(move || Ok((host, port).to_socket_addrs()?.collect()))
            .await
    }

    /// Runs `resolve` on a thread of its own once there is room, which it takes until it has ended,
    /// whether or not anybody still waits for it.
    async fn run<T: Send + 'static>(
        &self,
        resolve: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let [own, all] = [&self.own, &self.all].map(|room| room.clone().acquire_owned());
        // The plugin's own first: who waits for that keeps nothing from others.
        let own = own.await.expect("it is never closed");
        let all = all.await.expect("it is never closed");
        let looked_up = spawn_blocking(move || {
            let _room = (own, all);
            resolve()
        });
        looked_up.await.map_err(io::Error::other)?
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use tokio::task::JoinSet;

    use super::*;

    /// Look-ups with so much room of their own, and so much over all.
    fn lookups(own: usize, all: &Arc<Semaphore>) -> Arc<Lookups> {
        Arc::new(Lookups {
            own: Arc::new(Semaphore::new(own)),
            all: all.clone(),
        })
    }

    #[tokio::test]
    async fn a_look_up_that_nobody_waits_for_takes_its_room_until_its_thread_is_free() {
        let all = Arc::new(Semaphore::new(4));
        let lookups = lookups(2, &all);
        let (began, mut begins) = tokio::sync::mpsc::unbounded_channel();
        let (answers, silent) = mpsc::channel::<()>();
        let silent = Arc::new(std::sync::Mutex::new(silent));
        let mut waiting = JoinSet::new();
        for _ in 0..5 {
            let (lookups, began, silent) = (lookups.clone(), began.clone(), silent.clone());
            waiting.spawn(async move {
                let looks_up = move || {
                    began.send(()).expect("it is looked at");
                    // The resolver does not answer: until the test lets go.
                    let _ = silent.lock().expect("no panic").recv();
                    Ok(())
                };
                lookups.run(looks_up).await
            });
        }
        begins.recv().await.expect("one began");
        begins.recv().await.expect("a second one began");
        // All that wait give up, as a guest's timeout has them do.
        waiting.shutdown().await;
        assert_eq!(lookups.own.available_permits(), 0, "two threads are held");
        assert_eq!(all.available_permits(), 2, "and others have their room");
        assert!(begins.try_recv().is_err(), "the other three never began");
        let other = self::lookups(2, &all);
        assert_eq!(other.run(|| Ok(7)).await.expect("it is answered"), 7);

        drop(answers);
        // Both threads are free now, or are about to be.
        let both = lookups.own.acquire_many(2).await;
        drop(both.expect("it is never closed"));
        let all = all.acquire_many(4).await;
        drop(all.expect("it is never closed"));
    }

    #[tokio::test]
    async fn a_name_is_looked_up_with_its_port() {
        let lookups = lookups(1, &Arc::new(Semaphore::new(1)));
        let found = lookups.addresses("127.1", 9).await;
        assert_eq!(
            found.expect("it is known"),
            ["127.0.0.1:9".parse().unwrap()]
        );
    }
}
