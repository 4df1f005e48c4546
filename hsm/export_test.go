package hsm

// InFlight returns how many calls to the token are in flight, given up or not.
func (t *Token) InFlight() int { return len(t.limits.calls) }
