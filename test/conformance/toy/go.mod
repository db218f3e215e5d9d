module github.com/sipsight/sipsight/test/conformance/toy

go 1.26

require github.com/sipsight/sipsight v0.0.0

replace github.com/sipsight/sipsight => ../../..
