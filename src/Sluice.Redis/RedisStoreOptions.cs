using System.Net.Security;

namespace Sluice.Redis;

/// <summary>The options of a store on Redis. They are not stored.</summary>
public sealed record RedisStoreOptions
{
    /// <summary>
    /// The time provider for the timers of this store object; by default the system's. The store's own time
    /// (<see cref="RedisStreamStore.GetTimeAsync"/>) is the server's.
    /// </summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>For tests that let time pass: replaces the server's time. Null, or a null result, uses the server's time.</summary>
    internal Func<DateTimeOffset?>? ServerTime { get; init; }

    /// <summary>
    /// The prefix of all keys of the store, which appears in braces; by default <c>sluice</c>. Two stores in one database need different
    /// prefixes. 1 to 100 letters, digits, dots, hyphens, colons and underscores.
    /// </summary>
    public string Prefix { get; init; } = "sluice";

    /// <summary>
    /// The interval at which waiting callers look without a message, in case one was lost; 100 ms to a minute, by default 5 seconds.
    /// </summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// The time for which connecting and repeatable calls (appends, commits, reads) wait for an unreachable server before they fail. Zero
    /// to an hour of real time; by default 10 seconds. It may take longer, because the client waits for each attempt to connect
    /// (<c>connectTimeout</c>). A call that waits behind the answers of other calls is not given up while these answers arrive.
    /// </summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// The failures that an acknowledged write must survive; by default <see cref="Durability.Process"/>. <see cref="Durability.Power"/>
    /// requires a server that flushes its append-only file before it answers (<c>appendonly yes</c>, <c>appendfsync always</c>). With
    /// <see cref="Durability.Replicated"/>, each write waits until that many replicas confirm it (<c>WAIT</c>), and fails if they do not
    /// within <see cref="Timeout"/>.
    /// </summary>
    public Durability Durability { get; init; } = Durability.Process;

    /// <summary>
    /// Validates the server's certificate instead of the system, which trusts no certificates of private networks. Needs <c>ssl=true</c> in
    /// the connection string.
    /// </summary>
    public RemoteCertificateValidationCallback? CertificateValidation { get; init; }

    /// <summary>
    /// Selects the certificate with which the program presents itself to a server that asks for one (<c>tls-auth-clients</c>); by default
    /// none. Needs <c>ssl=true</c> in the connection string. Called from any thread, once for each connection.
    /// </summary>
    public LocalCertificateSelectionCallback? CertificateSelection { get; init; }

    /// <summary>
    /// Whether to accept a server that deletes keys when its memory is full (<c>maxmemory-policy</c> other than <c>noeviction</c>),
    /// acknowledged entries included; by default false. <c>allowEviction=true</c> in the connection string does the same.
    /// </summary>
    /// <remarks>
    /// The store reads the setting when it is opened and after each reconnection: before the next call, and before the answer of a call
    /// over the new connection.
    /// </remarks>
    public bool AllowEviction { get; init; }

    /// <summary>
    /// Receives warnings, on any thread: the server has not answered for a second (for three while the store is opened), and it answers
    /// again (one of each for an outage); the server refuses appends, and takes them again; several servers are masters; the server has no
    /// append-only file (once, when the store is opened). Without passwords. Default: the log of the host, or else the event source
    /// <c>Sluice</c> and, each text once, standard error. Exceptions of the callback go there, too, and fail no call.
    /// </summary>
    public Action<string>? OnWarning { get; init => field = AsyncVoid.RefuseCallback(value, "RedisStoreOptions.OnWarning"); }

    // Whether to refuse a database that has no store under the prefix, and to write nothing to it.
    internal bool MustExist { get; init; }

    // The time without an answer after which a warning says so.
    internal TimeSpan NoticeAfter { get; init; } = TimeSpan.FromSeconds(1);

    // The same while the store is opened.
    internal TimeSpan OpeningNoticeAfter { get; init; } = TimeSpan.FromSeconds(3);

    internal WatchedServer Watch(ServerAddress address) => new("Redis", address.ToString())
    {
        Timeout = Timeout,
        TimeoutOption = $"{nameof(RedisStoreOptions)}.{nameof(Timeout)}",
        NoticeAfter = NoticeAfter,
        OpeningNoticeAfter = OpeningNoticeAfter,
        OnWarning = OnWarning,
        Refusal = Failures.Words
    };

    // The time without any answer over the connection after which a repeatable call is sent again.
    internal TimeSpan Silence { get; init; } = TimeSpan.FromSeconds(4);

    // The maximum time of the client for connecting, or for finding the master.
    internal TimeSpan Longest { get; init; } = TimeSpan.FromSeconds(30);

    // The maximum time for which a server is asked what it is, before the client connects.
    internal TimeSpan Question { get; init; } = TimeSpan.FromSeconds(1);

    internal void Check()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Durability.Level, Durability.Process.Level, nameof(Durability));
        ArgumentNullException.ThrowIfNull(Time);
        ArgumentException.ThrowIfNullOrEmpty(Prefix);
        if (Prefix.Length > 100 || !Prefix.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or ':' or '_'))
            throw new ArgumentException(
                $"The prefix of a store's keys has 1 to 100 letters, digits, dots, hyphens, colons and underscores; this one is {Prefix}.",
                    nameof(Prefix));
        ArgumentOutOfRangeException.ThrowIfLessThan(PollInterval, TimeSpan.FromMilliseconds(100));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(PollInterval, TimeSpan.FromMinutes(1));
        ArgumentOutOfRangeException.ThrowIfLessThan(Timeout, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Timeout, TimeSpan.FromHours(1));
    }
}
