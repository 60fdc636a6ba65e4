namespace Sluice.PostgreSql;

/// <summary>The options of a store in PostgreSQL. They are not stored.</summary>
public sealed record PostgresStoreOptions
{
    /// <summary>
    /// The time provider for the timers of this store object; by default the system's. The store's own time
    /// (<see cref="PostgresStreamStore.GetTimeAsync"/>) is the server's.
    /// </summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>For tests that let time pass: replaces the server's time. Null, or a null result, uses the server's time.</summary>
    internal Func<DateTimeOffset?>? ServerTime { get; init; }

    /// <summary>
    /// The PostgreSQL schema of the store; by default <c>sluice</c>. Several stores in one database need different schemas. 1 to 60
    /// characters: small letters, digits and underscores, a letter first.
    /// </summary>
    public string Schema { get; init; } = "sluice";

    /// <summary>
    /// Whether opening creates the schema and its tables, or upgrades tables of an earlier version; by default true. If false, the tables
    /// must exist: see <see cref="PostgresStreamStore.SchemaSql"/>.
    /// </summary>
    public bool AutoCreate { get; init; } = true;

    /// <summary>The way in which waiting callers learn of changes by other processes; by default <see cref="WakeUp.Notify"/>.</summary>
    public WakeUp WakeUp { get; init; }

    /// <summary>
    /// The minimum time between two notifications of this process (<see cref="WakeUp.Notify"/>), and the minimum time between two polls
    /// (<see cref="WakeUp.Poll"/>); 1 ms to a second, by default 5 ms. Callers in this process are woken at once.
    /// </summary>
    public TimeSpan WakeInterval { get; init; } = TimeSpan.FromMilliseconds(5);

    /// <summary>
    /// With <see cref="WakeUp.Poll"/>, the maximum time between two polls of an idle store. With <see cref="WakeUp.Notify"/>, the interval
    /// at which waiting callers look without a notification, in case one was lost. 10 ms to a minute; null is 250 ms for polling, and 5
    /// seconds else.
    /// </summary>
    public TimeSpan? PollInterval { get; init; }

    /// <summary>
    /// Whether the connections go through a pooler that gives each transaction any connection, such as PgBouncer in transaction mode; by
    /// default false. If true, no state outlives a transaction: no prepared statements, no <c>LISTEN</c>. It implies
    /// <see cref="WakeUp.Poll"/>.
    /// </summary>
    public bool TransactionPooling { get; init; }

    /// <summary>
    /// The maximum number of connections of this store object; 3 to 1,000, by default 16. Ignored if you pass an
    /// <see cref="NpgsqlDataSource"/>.
    /// </summary>
    public int MaxConnections { get; init; } = 16;

    /// <summary>
    /// The maximum number of transactions that write at once; 1 to 64, by default 4. Calls for one stream share a transaction or follow
    /// each other.
    /// </summary>
    public int MaxWriters { get; init; } = 4;

    /// <summary>
    /// The time for which opening and repeatable calls (appends, commits, reads) wait for an unreachable server before they fail. Zero to
    /// an hour of real time; by default 10 seconds.
    /// </summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Receives warnings, on any thread: the server has not served calls for a second, and it serves them again (one of each for an
    /// outage); the server refuses appends, and takes them again; a row of an accepted item is damaged. Without passwords. Default: the log
    /// of the host, or else the event source <c>Sluice</c> and, each text once, standard error. Exceptions of the callback go there, too,
    /// and fail no call.
    /// </summary>
    public Action<string>? OnWarning { get; init => field = AsyncVoid.RefuseCallback(value, "PostgresStoreOptions.OnWarning"); }

    // The time without an answer after which a warning says so.
    internal TimeSpan NoticeAfter { get; init; } = TimeSpan.FromSeconds(1);

    // The same while the store is opened.
    internal TimeSpan OpeningNoticeAfter { get; init; } = TimeSpan.FromSeconds(3);

    // The time between two steps of a transaction after which the server takes the process for frozen.
    internal static readonly TimeSpan UsualFrozenAfter = TimeSpan.FromSeconds(5);

    internal TimeSpan FrozenAfter { get; init; } = UsualFrozenAfter;

    // The time after which the token of a function in a commit is cancelled; after twice that time its connection is given up.
    internal TimeSpan MaxFunctionTime { get; init; } = TimeSpan.FromSeconds(2);

    // For tests: compares what a round knows with what is stored.
    internal Func<Round, Task>? Known { get; init; }

    internal WatchedServer Watch(StorePlace place) => new("PostgreSQL", place.Server)
    {
        Timeout = Timeout,
        TimeoutOption = $"{nameof(PostgresStoreOptions)}.{nameof(Timeout)}",
        NoticeAfter = NoticeAfter,
        OpeningNoticeAfter = OpeningNoticeAfter,
        OnWarning = OnWarning,
        Question = "Is it running, can it be reached, and does no other session hold a lock (pg_blocking_pids)?",
        Refusal = Failures.Words
    };

    internal bool Listens => WakeUp == WakeUp.Notify && !TransactionPooling;

    internal TimeSpan Poll => PollInterval ?? (Listens ? TimeSpan.FromSeconds(5) : TimeSpan.FromMilliseconds(250));

    internal void Check()
    {
        ArgumentNullException.ThrowIfNull(Time);
        ArgumentException.ThrowIfNullOrEmpty(Schema);
        // It may be a connection string, whose password no error shows.
        string given = Schema.AsSpan().IndexOfAny(':', '=') < 0 ? $"this one is {Schema}" : "this one is no name";
        if (Schema.Length > 60 || !char.IsAsciiLetterLower(Schema[0])
            || !Schema.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '_'))
            throw new ArgumentException(
                $"The schema of a store has 1 to 60 small letters, digits and underscores, a letter first; {given}.",
                    nameof(Schema));
        if (Schema.StartsWith("pg_", StringComparison.Ordinal))
            throw new ArgumentException($"PostgreSQL reserves names of schemas that begin with pg_; this one is {Schema}.", nameof(Schema));
        CheckRange(WakeInterval, TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(1), nameof(WakeInterval));
        CheckRange(Poll, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(1), nameof(PollInterval));
        CheckRange(Timeout, TimeSpan.Zero, TimeSpan.FromHours(1), nameof(Timeout));
        CheckRange(MaxConnections, 3, 1000, nameof(MaxConnections));
        CheckRange(MaxWriters, 1, 64, nameof(MaxWriters));
    }

    private static void CheckRange<T>(T value, T least, T most, string name) where T : IComparable<T>
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(value, least, name);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, most, name);
    }
}

/// <summary>The way in which a store in PostgreSQL learns of changes by other processes.</summary>
public enum WakeUp
{
    /// <summary>By <c>NOTIFY</c>: one message for all changes of <see cref="PostgresStoreOptions.WakeInterval"/>.</summary>
    Notify,

    /// <summary>
    /// By polling a counter of each stream that callers wait for: often while there is work, more and more rarely while there is none.
    /// </summary>
    Poll,
}
