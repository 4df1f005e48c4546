module github.com/docslogin/docslogin/bench

go 1.25.0

require (
	github.com/docslogin/docslogin v0.0.0
	github.com/go-jose/go-jose/v4 v4.1.8
	github.com/golang-jwt/jwt/v5 v5.3.1
	github.com/gorilla/sessions v1.4.0
)

require github.com/gorilla/securecookie v1.1.2 // indirect

replace github.com/docslogin/docslogin => ../
