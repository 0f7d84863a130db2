;; Its handler takes nothing and answers nothing.
(component
  (core module $m (func (export "handle")))
  (core instance $i (instantiate $m))
  (func $handle (canon lift (core func $i "handle")))
  (instance $handler (export "handle" (func $handle)))
  (export "wasmill:plugin/handler@0.1.0" (instance $handler)))
