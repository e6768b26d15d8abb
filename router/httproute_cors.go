package router

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// originForm is what the API server accepts as an origin.
var originForm = regexp.MustCompile(`^(\*|https?://(((\*\.)?([a-zA-Z0-9\-]+\.)*[a-zA-Z0-9-]+|\*)(:[0-9]{1,5})?))$`)

const maxOrigin = 253

func corsFilter(path *field.Path, cors CORS) (*gatewayv1.HTTPCORSFilter, field.ErrorList) {
	if len(cors.Origins)+len(cors.Methods)+len(cors.Headers)+len(cors.Expose) == 0 && !cors.Credentials && cors.MaxAge == 0 {
		return nil, nil
	}
	filter := &gatewayv1.HTTPCORSFilter{MaxAge: int32(cors.MaxAge / time.Second)}
	if cors.Credentials {
		filter.AllowCredentials = new(true)
	}
	var problems, more field.ErrorList
	filter.AllowOrigins, problems = corsOrigins(path, cors.Origins)
	filter.AllowMethods, more = corsMethods(path.Child("allowMethods"), cors.Methods)
	problems = append(problems, more...)
	filter.AllowHeaders, more = corsHeaders(path.Child("allowHeaders"), cors.Headers)
	problems = append(problems, more...)
	filter.ExposeHeaders, more = corsHeaders(path.Child("exposeHeaders"), cors.Expose)
	problems = append(problems, more...)
	if cors.MaxAge != 0 && cors.MaxAge < time.Second || cors.MaxAge > maxMaxAge {
		problems = append(problems, field.Invalid(path.Child("maxAge"), cors.MaxAge.String(), "must be between 1s and "+maxMaxAge.String()))
	}
	return filter, problems
}

// maxMaxAge is a year; browsers keep an answer for a day at most.
const maxMaxAge = 365 * 24 * time.Hour

func corsOrigins(path *field.Path, origins []Text) ([]gatewayv1.CORSOrigin, field.ErrorList) {
	var list []gatewayv1.CORSOrigin
	var problems field.ErrorList
	for _, origin := range origins {
		switch {
		case origin.Op != Exact:
			problems = append(problems, field.Forbidden(path.Child("allowOrigins"),
				fmt.Sprintf("an HTTPRoute cannot compare %q by %s: list origins, or https://*.domain, in allowOrigin", origin.Value, origin.Op.field())))
		case !originForm.MatchString(origin.Value) || len(origin.Value) > maxOrigin:
			problems = append(problems, field.Invalid(path.Child("allowOrigin"), origin.Value, "must be *, or http:// or https:// with a host and nothing behind it"))
		}
		list = append(list, gatewayv1.CORSOrigin(origin.Value))
	}
	list = distinct(list)
	return list, append(problems, corsList(path.Child("allowOrigin"), list)...)
}

func corsMethods(path *field.Path, methods []string) ([]gatewayv1.HTTPMethodWithWildcard, field.ErrorList) {
	var list []gatewayv1.HTTPMethodWithWildcard
	var problems field.ErrorList
	for _, method := range methods {
		if method != "*" && !slices.Contains(httpMethods, method) {
			problems = append(problems, field.NotSupported(path, method, append(slices.Clone(httpMethods), "*")))
		}
		list = append(list, gatewayv1.HTTPMethodWithWildcard(method))
	}
	list = distinct(list)
	return list, append(problems, corsList(path, list)...)
}

func corsHeaders(path *field.Path, names []string) ([]gatewayv1.HTTPHeaderName, field.ErrorList) {
	var list []gatewayv1.HTTPHeaderName
	var problems field.ErrorList
	for _, name := range names {
		if !isName(name) {
			problems = append(problems, field.Invalid(path, name, notName))
		}
		list = append(list, gatewayv1.HTTPHeaderName(name))
	}
	list = distinct(list)
	return list, append(problems, corsList(path, list)...)
}

// corsList refuses what the API server does in any of the lists.
func corsList[E ~string](path *field.Path, list []E) field.ErrorList {
	const most = 64
	var problems field.ErrorList
	if len(list) > most {
		problems = append(problems, field.TooMany(path, len(list), most))
	}
	if len(list) > 1 && slices.Contains(list, "*") {
		problems = append(problems, field.Invalid(path, "*", "must be the only entry"))
	}
	return problems
}
