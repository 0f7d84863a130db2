;; It was built for a version of the contract that is to come.
(component
  (import "wasmill:plugin/queue@9.0.0" (instance (export "send" (func))))
  (instance $handler)
  (export "wasmill:plugin/handler@0.1.0" (instance $handler)))
