;; It wants a function that the contract's interface does not have.
(component
  (import "wasmill:plugin/state@0.1.0" (instance (export "drop-everything" (func))))
  (instance $handler)
  (export "wasmill:plugin/handler@0.1.0" (instance $handler)))
