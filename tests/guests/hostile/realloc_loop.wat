;; It never answers where the host asks it for room for its message.
;; lift: (realloc (core func $guest "realloc"))
(func (export "realloc") (param i32 i32 i32 i32) (result i32) (loop (br 0)) (i32.const 0))
(func (export "handle") (param i32) (result i32) (i32.const 2048))
