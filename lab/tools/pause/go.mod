module github.com/serinhq/serin/lab/tools/pause

go 1.26.0
