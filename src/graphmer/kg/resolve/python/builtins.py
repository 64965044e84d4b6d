"""Calls of what is no function of the package: builtins, containers' methods, the standard library, partials."""

from typing import TYPE_CHECKING

from graphmer.kg.resolve.python.asking import DIVIDING, HEAPS, Asking
from graphmer.kg.resolve.python.callables import Callables
from graphmer.kg.resolve.python.container_methods import ContainerMethods
from graphmer.kg.resolve.python.copies import Copies
from graphmer.kg.resolve.python.effects import Effects
from graphmer.kg.resolve.python.flow import Node
from graphmer.kg.resolve.python.library import IDENTITIES, RESULTS
from graphmer.kg.resolve.python.objects import Objects
from graphmer.kg.resolve.python.sites import Effect, Site
from graphmer.kg.resolve.python.values import BUILTIN, Value

if TYPE_CHECKING:
    from graphmer.kg.resolve.python.world import World


class Builtins:
    """Effects of calls that leave the package, and come back into it."""

    def __init__(self, world: "World") -> None:
        self.world, self.network = world, world.network
        effects = Effects(world)
        asking = Asking(world, effects)
        copies = Copies(world, effects, asking)
        self.callables = Callables(world, effects, asking)
        self.methods = ContainerMethods(world, effects, copies, asking)
        self.objects, self.asking = Objects(world, effects), asking
        self.by_name: dict[str, Effect] = {
            **self.callables.by_name,
            **copies.by_name,
            **self.objects.by_name,
            f"{BUILTIN}.sum": asking.total,
            **dict.fromkeys(DIVIDING, asking.divide),
            **dict.fromkeys(HEAPS, asking.push),
            "argparse.ArgumentParser.set_defaults": self._set_defaults,
        }

    def call(self, site: Site, value: Value) -> None:
        """A site calls something that is no function of the package."""
        if value.kind == "method":
            self.methods.call(site, value)
        elif value.kind == "partial":
            self.callables.call_partial(site, value)
        elif value.kind == "result":
            if value.what in ("functools.wraps", "functools.lru_cache", "functools.cache"):
                self._identity(site)
            else:
                self.network.add(site.result, value)
        else:
            self.asking.ask(site, value)
            effect = self.by_name.get(value.what)
            if effect is not None:
                effect(site, value)
            elif value.what in IDENTITIES and site.args:
                self._identity(site)
            else:
                self.network.add(site.result, self.network.value("result", RESULTS.get(value.what, value.what)))

    def _set_defaults(self, site: Site, _: Value) -> None:
        """`parser.set_defaults(run=f)`: what parsing gives has `run`."""
        for name, node in site.keywords.items():
            self.network.flow(node, self.world.attributes.options.setdefault(name, Node()))

    def _identity(self, site: Site) -> None:
        if site.args and site.args[0] is not None:
            self.network.flow(site.args[0], site.result)
        elif not site.args:
            self.network.add(site.result, self.network.value("result", "functools.lru_cache"))
