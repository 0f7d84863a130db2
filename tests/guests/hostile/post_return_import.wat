;; It calls the host after its answer.
;; lift: (realloc $realloc) (post-return (core func $guest "after"))
(func (export "after") (param i32)
  (call $put (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 4) (i32.const 1024)))
(func (export "handle") (param i32) (result i32) (i32.const 2048))
