module wasmill

go 1.25
