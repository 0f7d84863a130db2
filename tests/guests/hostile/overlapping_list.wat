;; Its handler sends a message with 100,000 headers, all of them the same 64 KiB of its memory: in the
;; host that would be twelve gigabytes.
(func (export "handle") (param i32) (result i32)
  (local $at i32)
  (drop (memory.grow (i32.const 64)))
  (memory.fill (i32.const 131072) (i32.const 120) (i32.const 65536))
  (local.set $at (i32.const 262144))
  (loop $next
    (i32.store (local.get $at) (i32.const 131072))
    (i32.store offset=4 (local.get $at) (i32.const 65536))
    (i32.store offset=8 (local.get $at) (i32.const 131072))
    (i32.store offset=12 (local.get $at) (i32.const 65536))
    (local.set $at (i32.add (local.get $at) (i32.const 16)))
    (br_if $next (i32.lt_u (local.get $at) (i32.const 1862144))))
  (call $send (i32.const 131072) (i32.const 7) (i32.const 0) (i32.const 0) (i32.const 0)
    (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 262144) (i32.const 100000)
    (i32.const 0) (i32.const 0) (i32.const 0) (i64.const 0) (i32.const 1024))
  (i32.const 2048))
