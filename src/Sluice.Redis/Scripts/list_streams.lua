return call('SMEMBERS', K .. 'streams')
