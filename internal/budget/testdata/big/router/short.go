package router

func short() Provider { return Provider{} }
