"""A make-believe office, for trying Trubka by hand and for its tests.

An amoCRM account with its pages (`crm/`, `pages/`), a telephone exchange (`pbx/`) and customers who answer, refuse,
stay silent or hang up (`customers.py`). It imports `sip` and nothing else of ours: the gateway and the widget meet it
over HTTP, SIP and sound, as they would meet the real ones.
"""
