//! `wasi:filesystem` with somebody who looks on at each change. What changes files is done at once,
//! and not with the call's commit: so a trial wants to cut in between, as in any other call.
//!
//! A host that serves has nobody who looks on, and pays a look at an empty option.

use std::sync::Arc;

use bytes::Bytes;
use wasmtime::component::{HasData, Linker, Resource};
use wasmtime::{Error, Result};
use wasmtime_wasi::async_trait;
use wasmtime_wasi::filesystem::{WasiFilesystemCtxView, WasiFilesystemView};
use wasmtime_wasi::p2::bindings::filesystem::types::{
    self, Advice, Descriptor, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry,
    DirectoryEntryStream, ErrorCode, Filesize, HostDescriptor, HostDirectoryEntryStream,
    MetadataHashValue, NewTimestamp, OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::{
    DynInputStream, DynOutputStream, FsError, FsResult, OutputStream, Pollable, StreamError,
    StreamResult,
};

use crate::data::Data;
use crate::surroundings::Probe;

/// The files of an instance, and who looks on.
pub(crate) struct Files<'a> {
    files: WasiFilesystemCtxView<'a>,
    probe: Option<Arc<dyn Probe>>,
}

/// That `Data` has [`Files`].
struct HasFiles;

impl HasData for HasFiles {
    type Data<'a> = Files<'a>;
}

/// Puts these files in the place of WASI's own.
pub(crate) fn link(linker: &mut Linker<Data>) -> Result<()> {
    linker.allow_shadowing(true);
    let linked = types::add_to_linker::<_, HasFiles>(linker, |data| Files {
        probe: data.probe.clone(),
        files: data.filesystem(),
    });
    linker.allow_shadowing(false);
    linked
}

impl Files<'_> {
    /// Tells of a change before it is made.
    fn changes(&self, function: &'static str) -> FsResult<()> {
        match &self.probe {
            Some(probe) => probe
                .host_call(function)
                .map_err(|why| FsError::trap(Error::msg(why))),
            None => Ok(()),
        }
    }

    /// The stream, with somebody who looks on at each write.
    fn watched(
        &mut self,
        stream: Resource<DynOutputStream>,
    ) -> FsResult<Resource<DynOutputStream>> {
        let Some(probe) = self.probe.clone() else {
            return Ok(stream);
        };
        let stream = self.files.table.delete(stream).map_err(FsError::trap)?;
        let watched: DynOutputStream = Box::new(Watched { stream, probe });
        self.files.table.push(watched).map_err(FsError::trap)
    }
}

/// A stream to a file, and who looks on.
struct Watched {
    stream: DynOutputStream,
    probe: Arc<dyn Probe>,
}

#[async_trait]
impl Pollable for Watched {
    async fn ready(&mut self) {
        self.stream.ready().await;
    }
}

#[async_trait]
impl OutputStream for Watched {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        let told = self.probe.host_call("filesystem.write");
        told.map_err(|why| StreamError::Trap(Error::msg(why)))?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.stream.flush()
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.stream.check_write()
    }

    async fn cancel(&mut self) {
        self.stream.cancel().await;
    }
}

/// Functions that are WASI's own; those with a name of theirs change files, and are told of first.
macro_rules! own {
    ($($name:ident($($arg:ident: $ty:ty),*) -> $ok:ty $(, $told:literal)?;)*) => {$(
        async fn $name(&mut self, $($arg: $ty),*) -> FsResult<$ok> {
            $(self.changes($told)?;)?
            HostDescriptor::$name(&mut self.files, $($arg),*).await
        }
    )*};
}

impl HostDescriptor for Files<'_> {
    own! {
        advise(fd: Resource<Descriptor>, offset: Filesize, len: Filesize, advice: Advice) -> ();
        sync_data(fd: Resource<Descriptor>) -> ();
        get_flags(fd: Resource<Descriptor>) -> DescriptorFlags;
        get_type(fd: Resource<Descriptor>) -> DescriptorType;
        read(fd: Resource<Descriptor>, len: Filesize, offset: Filesize) -> (Vec<u8>, bool);
        read_directory(fd: Resource<Descriptor>) -> Resource<DirectoryEntryStream>;
        sync(fd: Resource<Descriptor>) -> ();
        stat(fd: Resource<Descriptor>) -> DescriptorStat;
        stat_at(fd: Resource<Descriptor>, flags: PathFlags, path: String) -> DescriptorStat;
        readlink_at(fd: Resource<Descriptor>, path: String) -> String;
        metadata_hash(fd: Resource<Descriptor>) -> MetadataHashValue;
        metadata_hash_at(fd: Resource<Descriptor>, flags: PathFlags, path: String)
            -> MetadataHashValue;

        set_size(fd: Resource<Descriptor>, size: Filesize) -> (), "filesystem.set-size";
        set_times(fd: Resource<Descriptor>, read: NewTimestamp, written: NewTimestamp) -> (),
            "filesystem.set-times";
        write(fd: Resource<Descriptor>, bytes: Vec<u8>, offset: Filesize) -> Filesize,
            "filesystem.write";
        create_directory_at(fd: Resource<Descriptor>, path: String) -> (),
            "filesystem.create-directory-at";
        set_times_at(
            fd: Resource<Descriptor>, flags: PathFlags, path: String, read: NewTimestamp,
            written: NewTimestamp
        ) -> (), "filesystem.set-times-at";
        link_at(
            fd: Resource<Descriptor>, flags: PathFlags, old: String, to: Resource<Descriptor>,
            new: String
        ) -> (), "filesystem.link-at";
        remove_directory_at(fd: Resource<Descriptor>, path: String) -> (),
            "filesystem.remove-directory-at";
        rename_at(fd: Resource<Descriptor>, old: String, to: Resource<Descriptor>, new: String)
            -> (), "filesystem.rename-at";
        symlink_at(fd: Resource<Descriptor>, source: String, path: String) -> (),
            "filesystem.symlink-at";
        unlink_file_at(fd: Resource<Descriptor>, path: String) -> (), "filesystem.unlink-file-at";
    }

    async fn open_at(
        &mut self,
        fd: Resource<Descriptor>,
        flags: PathFlags,
        path: String,
        how: OpenFlags,
        rights: DescriptorFlags,
    ) -> FsResult<Resource<Descriptor>> {
        if how.intersects(OpenFlags::CREATE | OpenFlags::TRUNCATE) {
            self.changes("filesystem.open-at")?;
        }
        self.files.open_at(fd, flags, path, how, rights).await
    }

    fn read_via_stream(
        &mut self,
        fd: Resource<Descriptor>,
        offset: Filesize,
    ) -> FsResult<Resource<DynInputStream>> {
        self.files.read_via_stream(fd, offset)
    }

    fn write_via_stream(
        &mut self,
        fd: Resource<Descriptor>,
        offset: Filesize,
    ) -> FsResult<Resource<DynOutputStream>> {
        let stream = self.files.write_via_stream(fd, offset)?;
        self.watched(stream)
    }

    fn append_via_stream(
        &mut self,
        fd: Resource<Descriptor>,
    ) -> FsResult<Resource<DynOutputStream>> {
        let stream = self.files.append_via_stream(fd)?;
        self.watched(stream)
    }

    async fn is_same_object(
        &mut self,
        one: Resource<Descriptor>,
        other: Resource<Descriptor>,
    ) -> Result<bool> {
        self.files.is_same_object(one, other).await
    }

    fn drop(&mut self, fd: Resource<Descriptor>) -> Result<()> {
        HostDescriptor::drop(&mut self.files, fd)
    }
}

impl HostDirectoryEntryStream for Files<'_> {
    async fn read_directory_entry(
        &mut self,
        stream: Resource<DirectoryEntryStream>,
    ) -> FsResult<Option<DirectoryEntry>> {
        self.files.read_directory_entry(stream).await
    }

    fn drop(&mut self, stream: Resource<DirectoryEntryStream>) -> Result<()> {
        HostDirectoryEntryStream::drop(&mut self.files, stream)
    }
}

impl types::Host for Files<'_> {
    fn convert_error_code(&mut self, error: FsError) -> Result<ErrorCode> {
        self.files.convert_error_code(error)
    }

    fn filesystem_error_code(&mut self, error: Resource<Error>) -> Result<Option<ErrorCode>> {
        self.files.filesystem_error_code(error)
    }
}
