module github.com/docslogin/docslogin/hsm

go 1.25.0

require (
	github.com/docslogin/docslogin v0.1.0
	github.com/go-jose/go-jose/v4 v4.1.8
	github.com/miekg/pkcs11 v1.1.2
)

require (
	github.com/gorilla/securecookie v1.1.2 // indirect
	github.com/gorilla/sessions v1.4.0 // indirect
)

replace github.com/docslogin/docslogin => ../
