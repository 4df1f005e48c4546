package app

// Store holds the sessions of SignIn and SignedIn.
var Store = store
