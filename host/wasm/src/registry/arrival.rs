//! Files that arrive: compiled and checked first, which takes long and changes nothing, and taken then,
//! by what holds at that time.

use std::sync::Arc;

use wasmill_model::Name;
use wasmill_port::plugins::File;

use super::Registry;
use super::force::Failed;
use super::load::{Loaded, blocking, content_hash};
use super::plugins::came;
use crate::versions::{Came, Hold, Judged, Kept, Record};

/// Longest name of a plugin; it is the name of files.
const NAME_BYTES_MAX: usize = 64;

/// The content of a plugin's file that fits this host.
pub struct Prepared {
    plugin: Name,
    hash: String,
    content: Content,
    signature: Option<Vec<u8>>,
}

enum Content {
    Loaded(Arc<Loaded>),
    /// Of the version that served already: there was no need.
    Unloaded(Vec<u8>),
}

impl Prepared {
    pub(super) fn plugin(&self) -> &Name {
        &self.plugin
    }

    pub(super) fn hash(&self) -> &str {
        &self.hash
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match &self.content {
            Content::Loaded(loaded) => &loaded.bytes,
            Content::Unloaded(bytes) => bytes,
        }
    }
}

impl Registry {
    pub(super) async fn prepare_file(
        &self,
        name: &Name,
        file: File<'_>,
    ) -> Result<Prepared, Failed> {
        check_name(name).map_err(Failed::Version)?;
        let bytes = file.component.to_vec();
        let (hash, bytes) = blocking(move || (content_hash(&bytes), bytes)).await;
        let mut prepared = Prepared {
            plugin: name.clone(),
            hash,
            content: Content::Unloaded(bytes),
            signature: file.signature.map(<[u8]>::to_vec),
        };
        let record = self.record(name).await?;
        if self.version(name).as_ref() == Some(&prepared.hash) {
            return Ok(prepared);
        }
        // Before it is compiled: what is not signed is not looked into.
        let (_, signed) = self.arrived(&record, &prepared);
        signed.map_err(Failed::Unsigned)?;
        self.load_arrived(&mut prepared).await?;
        Ok(prepared)
    }

    /// True if another version serves now.
    pub(super) async fn take_file(&self, mut prepared: Prepared) -> Result<bool, Failed> {
        let name = prepared.plugin.clone();
        let mut record = self.record(&name).await?;
        let (mut version, signed) = self.arrived(&record, &prepared);
        if self.version(&name).as_ref() == Some(&prepared.hash) {
            // It serves, and a signature that came for the next one says nothing of it.
            record.arrive(version);
            self.put(&name, record, None).await?;
            self.mend(prepared).await?;
            return Ok(false);
        }
        signed.map_err(Failed::Unsigned)?;
        let loaded = self.load_arrived(&mut prepared).await?;
        version.learn(loaded.about.clone());
        record.arrive(version.clone());
        let (hash, now) = (&version.hash, self.host.clock.now());
        match record.judge(&version, &self.grants(&name)) {
            Judged::Refuse(why) => return Err(Failed::Version(why)),
            // The version before goes on serving, or does so again.
            Judged::Hold(Hold::Pinned(pinned)) if record.current().is_none() => {
                record.serve(&pinned, Came::Pin, now);
            }
            Judged::Hold(_) => {}
            Judged::Serve if record.current().is_some_and(|it| it.hash == *hash) => {}
            Judged::Serve => {
                let came = came(&record, hash);
                record.serve(hash, came, now);
            }
        }
        self.put(&name, record, Some(loaded)).await
    }

    /// What a record knows of a version that has arrived, and whether that is signed as it must be.
    fn arrived(&self, record: &Record, prepared: &Prepared) -> (Kept, Result<(), String>) {
        let Prepared { plugin, hash, .. } = prepared;
        let keys = &self.in_force().signatures;
        let known = record.find(hash).cloned();
        let size = prepared.bytes().len();
        let mut version =
            known.unwrap_or_else(|| Kept::new(hash.clone(), size, self.host.clock.now()));
        let signature = prepared.signature.as_deref();
        let taken = signature.map(|file| version.take_signature(file, keys));
        let signed = version.check_signature(plugin, keys);
        let signed = signed.map_err(|missing| match taken {
            Some(Err(why)) => format!("{plugin}.wasm.sig is of no use: {why}; {missing}"),
            _ => missing,
        });
        (version, signed)
    }

    /// Compiles and checks what has arrived, unless that was done.
    async fn load_arrived(&self, prepared: &mut Prepared) -> Result<Arc<Loaded>, Failed> {
        let bytes = match &mut prepared.content {
            Content::Loaded(loaded) => return Ok(loaded.clone()),
            Content::Unloaded(bytes) => std::mem::take(bytes),
        };
        let loaded = self.load(&prepared.plugin, prepared.hash.clone(), bytes);
        let loaded = Arc::new(loaded.await.map_err(Failed::Version)?);
        prepared.content = Content::Loaded(loaded.clone());
        Ok(loaded)
    }
}

/// A plugin's name is the name of files and directories.
fn check_name(name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let fits = (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.starts_with('.');
    if fits && name.chars().all(plain) {
        return Ok(());
    }
    Err(format!(
        "a plugin's name has 1 to {NAME_BYTES_MAX} letters, digits, `-`, `_` and `.`, and does not \
         begin with a dot"
    ))
}
