module github.com/serinhq/serin

go 1.26.0
