"""The make-believe amoCRM account: REST v4, one-time tokens, widgets list, cookie session. Shapes are amocrm.md's."""
