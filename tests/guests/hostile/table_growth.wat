;; Its handler grows its tables, and insists.
(table $a 1 funcref)
(table $b 1 funcref)
(func (export "handle") (param i32) (result i32)
  (loop $more
    (if (i32.eq (table.grow $a (ref.null func) (i32.const 1000)) (i32.const -1)) (then unreachable))
    (if (i32.eq (table.grow $b (ref.null func) (i32.const 1000)) (i32.const -1)) (then unreachable))
    (br $more))
  (i32.const 2048))
