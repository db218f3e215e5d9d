package filter

// Language describes the language for people, in lines of at most 79 characters.
const Language = `A filter selects records. It is written like a display filter of Wireshark 4, of
which it takes a part: the names and the results are the same, and whatever is not
supported is refused.

  sip.Method                              the field is present
  sip.Method == "INVITE"                  also eq; one of the values is equal
  sip.Method != "INVITE"                  also ne: there are values, all differ
  not sip.Method == "INVITE"              true also where there is no value
  ===  !==                                all are equal; one differs
  <  <=  >  >=                            also lt, le, gt, ge
  sip.From contains "+4930"               a part of the text, in its case
  sip.User-Agent matches "^(snom|yeal)"   a pattern (RE2), in any case of letters
  sip.Status-Code in {404, 480 .. 489}    one of a set, of values and ranges
  sip.Method not in {"ACK", "BYE"}        negated
  ip.addr == 10.0.0.0/8                   an address in a network
  a and b, a or b, not a, (a)             also &&, ||, !; and comes before or

Text stands in double quotes, with the escapes of C: "a\"b", "\x00"; in a raw string
a backslash is itself: r"\d+". A word of letters, digits, dots and dashes needs no
quotes. Numbers are decimal or hexadecimal (0xc8), addresses and numbers stand
without quotes. Of several files 2:17 is packet 17 of the second. Times are
"2026-11-23 10:14:00", with a fraction or an offset (Z, +01:00) if need be; without
an offset they are UTC.

A text with a few values alone, such as call.state, is compared with these: another
word is refused. Of a list, such as call.findings or call.legs.source, one value is
enough for what is asked.

A message is compared by itself, also where one packet holds several. Passwords,
credentials and keys are *** to a filter, unless --show-secrets is given.
`
