//! `wasi:keyvalue`: the key's state.

use wasmill_model::limits::{STATE_SCAN_BYTES_MAX, STATE_SCAN_COUNT_MAX};
use wasmtime::Result;
use wasmtime::component::Resource;

use super::words;
use crate::data::Data;
use crate::generated::drafts::wasi::keyvalue::store::{Error, Host, HostBucket, KeyResponse};
use crate::generated::drafts::wasi::keyvalue::{atomics, batch};
use crate::generated::wasmill::plugin::state::Host as State;

/// The key's state, and how far its keys were listed.
#[derive(Debug, Default)]
#[expect(unreachable_pub, reason = "the bindings re-export it")]
pub struct Bucket {
    /// How many keys were listed, which is the cursor, and the last of them.
    listed: Option<(u64, String)>,
}

impl Host for Data {
    fn open(&mut self, identifier: String) -> Result<Result<Resource<Bucket>, Error>> {
        self.count("wasi:keyvalue.open")?;
        if !matches!(identifier.as_str(), "" | "default") {
            return Ok(Err(Error::NoSuchStore));
        }
        Ok(Ok(self.table.push(Bucket::default())?))
    }
}

impl HostBucket for Data {
    fn get(
        &mut self,
        _bucket: Resource<Bucket>,
        key: String,
    ) -> Result<Result<Option<Vec<u8>>, Error>> {
        Ok(State::get(self, key)?.map_err(error))
    }

    fn set(
        &mut self,
        _bucket: Resource<Bucket>,
        key: String,
        value: Vec<u8>,
    ) -> Result<Result<(), Error>> {
        Ok(State::put(self, key, value)?.map_err(error))
    }

    fn delete(&mut self, _bucket: Resource<Bucket>, key: String) -> Result<Result<(), Error>> {
        Ok(State::delete(self, key)?.map_err(error))
    }

    fn exists(&mut self, _bucket: Resource<Bucket>, key: String) -> Result<Result<bool, Error>> {
        let found = State::get(self, key)?;
        Ok(found.map(|value| value.is_some()).map_err(error))
    }

    fn list_keys(
        &mut self,
        bucket: Resource<Bucket>,
        cursor: Option<u64>,
    ) -> Result<Result<KeyResponse, Error>> {
        let listed = std::mem::take(&mut self.table.get_mut(&bucket)?.listed);
        let (count, after) = match (cursor, listed) {
            (None, _) => (0, None),
            (Some(cursor), Some((count, last))) if cursor == count => (count, Some(last)),
            (Some(_), _) => {
                return Ok(Err(Error::Other(
                    "the cursor is not the one that `list-keys` of this bucket gave last: begin \
                     without one"
                        .to_owned(),
                )));
            }
        };
        let found = match State::scan(self, String::new(), after, STATE_SCAN_COUNT_MAX)? {
            Ok(found) => found,
            Err(refused) => return Ok(Err(error(refused))),
        };
        let keys: Vec<String> = found.into_iter().map(|(key, _)| key).collect();
        // A page may have ended by the bytes of its values: only an empty one is surely the last.
        let listed = keys
            .last()
            .map(|last| (count + keys.len() as u64, last.clone()));
        let cursor = listed.as_ref().map(|(count, _)| *count);
        self.table.get_mut(&bucket)?.listed = listed;
        Ok(Ok(KeyResponse { keys, cursor }))
    }

    fn drop(&mut self, bucket: Resource<Bucket>) -> Result<()> {
        self.table.delete(bucket)?;
        Ok(())
    }
}

impl atomics::Host for Data {
    fn increment(
        &mut self,
        _bucket: Resource<Bucket>,
        key: String,
        delta: u64,
    ) -> Result<Result<u64, Error>> {
        let held = match State::get(self, key.clone())? {
            Ok(held) => held,
            Err(refused) => return Ok(Err(error(refused))),
        };
        let Some(number) = sum(held.as_deref(), delta) else {
            return Ok(Err(Error::Other(format!(
                "`{key}` holds no number in decimal digits to which {delta} can be added"
            ))));
        };
        let put = State::put(self, key, number.to_string().into_bytes())?;
        Ok(put.map(|()| number).map_err(error))
    }
}

/// The number in digits that is `held`, and `delta`.
fn sum(held: Option<&[u8]>, delta: u64) -> Option<u64> {
    let held: u64 = match held {
        None => 0,
        Some(digits) => std::str::from_utf8(digits).ok()?.parse().ok()?,
    };
    held.checked_add(delta)
}

impl batch::Host for Data {
    fn get_many(
        &mut self,
        _bucket: Resource<Bucket>,
        keys: Vec<String>,
    ) -> Result<Result<Vec<Option<(String, Vec<u8>)>>, Error>> {
        let over = |what: &str| Error::Other(format!("more than {what} at once: get fewer"));
        if keys.len() > STATE_SCAN_COUNT_MAX as usize {
            return Ok(Err(over(&format!("{STATE_SCAN_COUNT_MAX} entries"))));
        }
        // The same large entry could be asked for often.
        let mut bytes = 0;
        let mut found = Vec::with_capacity(keys.len());
        for key in keys {
            match State::get(self, key.clone())? {
                Ok(value) => {
                    bytes += value.as_ref().map_or(0, Vec::len);
                    found.push(value.map(|value| (key, value)));
                }
                Err(refused) => return Ok(Err(error(refused))),
            }
            if bytes > STATE_SCAN_BYTES_MAX {
                return Ok(Err(over(&format!("{STATE_SCAN_BYTES_MAX} bytes"))));
            }
        }
        Ok(Ok(found))
    }

    fn set_many(
        &mut self,
        _bucket: Resource<Bucket>,
        pairs: Vec<(String, Vec<u8>)>,
    ) -> Result<Result<(), Error>> {
        for (key, value) in pairs {
            if let Err(refused) = State::put(self, key, value)? {
                return Ok(Err(error(refused)));
            }
        }
        Ok(Ok(()))
    }

    fn delete_many(
        &mut self,
        _bucket: Resource<Bucket>,
        keys: Vec<String>,
    ) -> Result<Result<(), Error>> {
        for key in keys {
            if let Err(refused) = State::delete(self, key)? {
                return Ok(Err(error(refused)));
            }
        }
        Ok(Ok(()))
    }
}

fn error(refused: crate::generated::wasmill::plugin::types::Error) -> Error {
    Error::Other(words(refused))
}
