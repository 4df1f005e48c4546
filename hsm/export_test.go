package hsm

// InFlight returns the number of calls to the token that have not returned.
func (t *Token) InFlight() int { return len(t.limits.calls) }
