;; Its handler takes all the memory that it can get, and insists.
(func (export "handle") (param i32) (result i32)
  (loop $more
    (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then unreachable))
    (br $more))
  (i32.const 2048))
