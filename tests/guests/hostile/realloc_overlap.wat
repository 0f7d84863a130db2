;; All room that it gives the host for the parts of its message is the same.
;; lift: (realloc (core func $guest "realloc"))
(func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))
(func (export "handle") (param i32) (result i32) (i32.const 2048))
