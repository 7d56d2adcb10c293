"""A property that is worked out once."""


def once(method):
    """As `functools.cached_property`, which before Python 3.12 lets all instances wait for each other."""
    name = f"_{method.__name__}"

    def value(self):
        if name not in vars(self):
            setattr(self, name, method(self))
        return vars(self)[name]

    return property(value, doc=method.__doc__)
