;; Its handler writes a million lines of 64 KiB to the log.
(func (export "handle") (param i32) (result i32)
  (local $left i32)
  (memory.fill (i32.const 131072) (i32.const 46) (i32.const 65536))
  (local.set $left (i32.const 1000000))
  (loop $next
    (call $write (i32.const 4) (i32.const 131072) (i32.const 65536))
    (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
  (i32.const 2048))
