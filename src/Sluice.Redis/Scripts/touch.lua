-- bare: writes something small, for WAIT behind a call that may have written nothing on this connection.
redis.call('HSET', KEYS[1], 'touched', 1)
return 1
