;; It imports a handler, which is itself within a component of its own, and hands it on.
(component
  (import "wasmill:plugin/handler@0.1.0" (instance $own (export "handle" (func))))
  (component $inner
    (import "handler" (instance $handler (export "handle" (func))))
    (export "wasmill:plugin/handler@0.1.0" (instance $handler)))
  (instance $once (instantiate $inner (with "handler" (instance $own))))
  (alias export $once "wasmill:plugin/handler@0.1.0" (instance $first))
  (instance $twice (instantiate $inner (with "handler" (instance $first))))
  (alias export $twice "wasmill:plugin/handler@0.1.0" (instance $second))
  (export "wasmill:plugin/handler@0.1.0" (instance $second)))
