package runtime

import (
	"runtime"
	"unsafe"
)

// Memory for what the host hands over: parameters of exports, and results of imports.
//
// The component model forbids an instance to call out while the host lowers values into it, and so
// in all of cabi_realloc. Go's collector does call out: it reads clocks, and the scheduler, which
// runs when a cycle begins or ends, polls timers. If an allocation here starts a cycle, or helps
// with one, the instance traps with "cannot leave component instance": sooner or later in every
// instance that is reused, after some ten thousand messages of a few bytes or one of 4 MB. That is
// github.com/bytecodealliance/wasmtime/issues/14318. What cures it is:
//
//  1. No cycle begins in cabi_realloc and none is helped with: the thread is pinned meanwhile.
//     The runtime takes a pinned thread to be inside of something delicate, and lets it go on. For
//     the same reason it is not preempted, so that the scheduler does not run.
//  2. The adapter's monotonic clock is paused meanwhile: it answers with what it last read. The
//     heap reads it when it gives memory back while it grows.
//  3. So that garbage is collected all the same, a cycle is run after a handler when enough has
//     been handed over since the last one: see Collect.
//  4. While the runtime starts there is no heap, but the adapter, which it calls then, asks for
//     its own memory: that comes from a static buffer.
//
// Nothing of Go may run in a post-return function either, where calling out is forbidden too. So
// the bindings have none, and let go of a call's results when the next one begins.

// earlyBytes is what the adapter asks for while the runtime starts, twice 64 KiB, and some room.
const earlyBytes = 160 << 10

// collectBytesMin is how much is handed over, at least, between two forced collections. It is
// what Go itself lets a small heap grow by.
const collectBytesMin = 4 << 20

var (
	early     [earlyBytes]byte
	earlyUsed uintptr

	// isUp says that there is a heap.
	isUp bool
	// handed keeps what was handed over until Go's own pointers to it are made.
	handed runtime.Pinner
	// handedBytes is how much was handed over since the last forced collection.
	handedBytes uintptr
	// collectBytes is how much may be until the next one.
	collectBytes uintptr = collectBytesMin
	// imports is how many calls of the host are in progress, results not yet read included.
	imports int
)

func init() {
	isUp = true
}

//go:linkname procPin runtime.procPin
func procPin() int

//go:linkname procUnpin runtime.procUnpin
func procUnpin()

//go:wasmimport wasi_snapshot_preview1 adapter_monotonic_clock_set_paused
func setMonotonicClockPaused(paused bool)

// realloc has no check of the stack, in which a goroutine whose turn is over would be preempted:
// the thread is not pinned yet when it begins.
//
//go:wasmexport cabi_realloc
//go:nosplit
func realloc(old unsafe.Pointer, oldSize, align, size uintptr) unsafe.Pointer {
	if !isUp {
		return allocateEarly(size, align)
	}
	procPin()
	pointer := hand(old, oldSize, align, size)
	procUnpin()
	return pointer
}

func hand(old unsafe.Pointer, oldSize, align, size uintptr) unsafe.Pointer {
	setMonotonicClockPaused(true)
	pointer := Allocate(&handed, size, align)
	setMonotonicClockPaused(false)
	handedBytes += size
	if oldSize != 0 && size != 0 {
		copy(unsafe.Slice((*byte)(pointer), size), unsafe.Slice((*byte)(old), oldSize))
	}
	return pointer
}

// allocateEarly hands out a piece of the static buffer. One that does not fit would be written past
// memory's end, which traps.
//
//go:nosplit
func allocateEarly(size, align uintptr) unsafe.Pointer {
	start := (earlyUsed + align - 1) &^ (align - 1)
	if start+size > earlyBytes {
		return unsafe.Pointer(^uintptr(0) &^ (align - 1))
	}
	earlyUsed = start + size
	return unsafe.Pointer(uintptr(unsafe.Pointer(&early)) + start)
}

// BeginImport notes that a goroutine calls the host. Until EndImport, what is handed over is kept:
// the goroutine may lose its turn before it has read the results.
func BeginImport() { imports++ }

// EndImport ends what BeginImport began.
func EndImport() { imports-- }

// Unpin leaves what was handed over to the collector. Bindings call it when they have made Go's
// own pointers to an export's parameters.
func Unpin() {
	if imports == 0 {
		handed.Unpin()
	}
}

// Collect frees garbage if enough has been handed over since it last did. It is called at the end
// of an export, where calling out is allowed, with nothing left to read of what was handed over.
//
// Handlers collect garbage too as they allocate, but one that allocates little may never.
func Collect() {
	Unpin()
	if handedBytes < collectBytes {
		return
	}
	runtime.GC()
	// With a large heap, collections are rarer: they take as long as it is large.
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	handedBytes, collectBytes = 0, max(collectBytesMin, uintptr(stats.HeapAlloc))
}
