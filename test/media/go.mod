module github.com/sipsight/sipsight/test/media

go 1.26

require github.com/sipsight/sipsight v0.0.0

replace github.com/sipsight/sipsight => ../..
