package router

var long = Provider{
	Name: "" +
		"l" +
		"o" +
		"n" +
		"g",
}
