"""Simulated homes: behaviour, fleets, scenarios, faults. Speaks only the wire.

Built on aiomqtt, which is the present name of the project once called asyncio-mqtt. Of the rest of
Threshold only `gateway` is imported, and of that only the encoding side: a home knows the contract
(contract §2) and nothing of how the platform keeps it.
"""
