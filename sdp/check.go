package sdp

import "sort"

// check complains about what only the whole shows.
func (s *Session) check() {
	for i, missing := range [...]bool{s.Version == nil, s.Origin.Line == 0, s.Name == nil, len(s.Timings) == 0} {
		if missing {
			s.complain(0, RuleNoVersion+Rule(i))
		}
	}
	s.checkAttributes(s.Attributes)
	for i := range s.Media {
		s.checkAttributes(s.Media[i].Attributes)
		s.checkMedia(&s.Media[i])
	}
	s.checkGroups()
	// In the order in which one reads; what is about the whole comes last.
	if c := s.Complaints; len(c) > 1 {
		sort.SliceStable(c, func(i, k int) bool { return c[i].Line != 0 && (c[k].Line == 0 || c[i].Line < c[k].Line) })
	}
}

// checkAttributes looks at the attributes of a section that mean the same in each.
func (s *Session) checkAttributes(list []Attribute) {
	direction := false
	for i := range list {
		a, ok, rule := &list[i], true, RuleSpace
		switch a.id {
		case attrSendRecv, attrSendOnly, attrRecvOnly, attrInactive:
			ok, rule = !direction, RuleDirection
			direction = true
		case attrFingerprint:
			_, ok = parseFingerprint(a.Value)
			rule = RuleFingerprint
		case attrSetup:
			ok = equalFold(a.Value, "active") || equalFold(a.Value, "passive") ||
				equalFold(a.Value, "actpass") || equalFold(a.Value, "holdconn")
			rule = RuleSetup
		case attrPtime, attrMaxPtime:
			_, ok = milliseconds(a.Value)
			rule = RulePtime
		case attrRTCP:
			_, _, ok = parseRTCP(a.Value)
			rule = RuleRTCP
		case attrCandidate:
			_, ok = parseCandidate(a)
			rule = RuleCandidate
		case attrCrypto:
			_, ok = parseCrypto(a)
			rule = RuleCrypto
		}
		if !ok {
			s.complain(a.Line, rule)
		}
	}
}

func (s *Session) checkMedia(m *Media) {
	var listed, mapped [128]bool
	rtp, crypto := m.IsRTP(), false
	for i := range m.codecs {
		listed[m.codecs[i].PayloadType] = true
	}
	for i := range m.Attributes {
		a := &m.Attributes[i]
		crypto = crypto || a.id == attrCrypto
		if a.id != attrRtpmap && (a.id != attrFmtp || !rtp) {
			continue
		}
		f := fields{rest: a.Value}
		pt, ok := number(f.next(), 127)
		if a.id == attrFmtp {
			if !ok || len(f.rest) == 0 {
				s.complain(a.Line, RuleFmtp)
			} else if !listed[pt] {
				s.complain(a.Line, RuleFmtpUnused)
			}
			continue
		}
		c, _ := Static(uint8(pt))
		if !ok || !readRtpmap(a.Value, &c) {
			s.complain(a.Line, RuleRtpmap)
			continue
		}
		if mapped[pt] {
			s.complain(a.Line, RuleRtpmapTwice)
		} else if rtp && !listed[pt] {
			s.complain(a.Line, RuleRtpmapUnused)
		}
		mapped[pt] = true
		s.checkRtpmap(a.Line, c)
	}
	if ptime, ok := m.PTime(); ok {
		if most, ok := m.MaxPTime(); ok && ptime > most {
			s.complain(m.Line, RulePtimeMax)
		}
	}
	if m.Port == 0 { // what is said about a stream that is not used does not matter
		return
	}
	if m.connection.Line == 0 {
		s.complain(m.Line, RuleNoConnection)
	}
	for i := range m.codecs {
		if m.codecs[i].Name == nil {
			s.complain(m.Line, RuleNoRtpmap)
			break
		}
	}
	switch fingerprint := m.inherit.fingerprint != nil; {
	case crypto && rtp && !m.IsSecure():
		s.complain(m.Line, RuleCryptoClear)
	case m.IsSecure() && !crypto && !fingerprint && !m.inherit.keyed:
		s.complain(m.Line, RuleNoKeying)
	case (m.IsSecure() || m.IsDTLS()) && fingerprint && m.Setup() == nil:
		s.complain(m.Line, RuleNoSetup)
	}
}

// checkGroups compares the names of streams with those in groups, by their hashes: names
// would have to be copied.
func (s *Session) checkGroups() {
	for i := range s.Media {
		mid := s.Media[i].MID()
		if mid == nil {
			continue
		}
		if s.mids == nil {
			s.mids = map[uint64]bool{}
		}
		h := hash(mid)
		if s.mids[h] {
			s.complain(s.Media[i].Line, RuleMidTwice)
		}
		s.mids[h] = true
	}
	for g := range s.Groups() {
		for mid := range g.All() {
			if !s.mids[hash(mid)] {
				s.complain(g.Line, RuleGroupMid)
				break
			}
		}
	}
}
