module github.com/sipsight/sipsight

go 1.26
