"""Answer scoring requests over HTTP, as the open inference protocol says: `secateur serve`.

Heavy libraries: starlette, uvicorn and prometheus_client, of the extra `secateur[serve]`.
"""
