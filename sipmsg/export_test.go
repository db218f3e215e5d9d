package sipmsg

// ForgetPlain makes m one that does not know how far it is ASCII, which nobody sees.
func (m *Message) ForgetPlain() { m.plain = 0 }
