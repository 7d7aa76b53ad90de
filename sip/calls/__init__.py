"""One INVITE session, cut by RFC 3261's chapters: the public class is `sip.call.Call`."""
