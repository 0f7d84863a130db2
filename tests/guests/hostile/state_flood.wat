;; Its handler writes a mebibyte of state a million times, whatever the host says.
(data (i32.const 0) "name")
(func (export "handle") (param i32) (result i32)
  (local $left i32)
  (drop (memory.grow (i32.const 32)))
  (local.set $left (i32.const 1000000))
  (loop $next
    (global.set $next (i32.const 131072))
    (i32.store (i32.const 0) (i32.or (i32.and (local.get $left) (i32.const 0x3f3f3f3f))
      (i32.const 0x40404040)))
    (call $put (i32.const 0) (i32.const 4) (i32.const 262144) (i32.const 1048576) (i32.const 1024))
    (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
  (i32.const 2048))
