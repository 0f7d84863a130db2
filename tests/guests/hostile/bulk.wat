;; Its handler moves memory about for ever: a little fuel, much time.
(func (export "handle") (param i32) (result i32)
  (drop (memory.grow (i32.const 256)))
  (loop $again
    (memory.fill (i32.const 131072) (i32.const 7) (i32.const 16777216))
    (br $again))
  (i32.const 2048))
