"""Where a request goes: from a URI to an ordered list of servers (RFC 3263), without asking anybody itself.

`records` are DNS questions and answers as values, `plan` is the procedure of the RFC, `weights` its lottery (RFC 2782), and
`Locator` keeps what was answered, says what is to be asked, and knows which servers are silent.
"""
