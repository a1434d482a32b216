"""The wire: topics, codecs, adapters and the MQTT session. Knows nothing else of ours."""
