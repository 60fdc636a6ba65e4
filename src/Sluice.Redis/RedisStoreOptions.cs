using System.Net.Security;

namespace Sluice.Redis;

/// <summary>How a store on Redis is opened. None of it is stored.</summary>
public sealed record RedisStoreOptions
{
    /// <summary>Where the timers of this store object get their time from; the system's unless given. The store's own time (<see cref="RedisStreamStore.GetTimeAsync"/>) is the server's.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>The store's time in place of the server's, for tests that let time pass; null, or a null it returns, for the server's own.</summary>
    internal Func<DateTimeOffset?>? ServerTime { get; init; }

    /// <summary>
    /// What all keys of the store begin with, in braces; <c>sluice</c> unless given. Two stores in one database need two. 1 to 100 letters, digits, dots,
    /// hyphens, colons and underscores.
    /// </summary>
    public string Prefix { get; init; } = "sluice";

    /// <summary>
    /// How often whoever waits for a change looks without having been told of one, in case the message was lost; 100 ms to a minute, 5 seconds unless given.
    /// </summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long connecting, and calls whose repetition does no harm (appends, commits, everything that only looks), wait for a server that has gone or is not there yet, before
    /// they fail; zero to an hour, 10 seconds unless given, of real time. The client takes its time for each attempt to connect (<c>connectTimeout</c>), so it may be longer.
    /// </summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// What an acknowledged write survives, as far as this store sees to it: <see cref="Durability.Process"/> unless given. <see cref="Durability.Power"/> asks for a server that
    /// flushes its append-only file before it answers (<c>appendonly yes</c>, <c>appendfsync always</c>), and no other is connected to. With <see cref="Durability.Replicated"/> each
    /// write waits for so many replicas to confirm it (<c>WAIT</c>), and fails if they have not within <see cref="Timeout"/>.
    /// </summary>
    public Durability Durability { get; init; } = Durability.Process;

    /// <summary>Judges the server's certificate in place of the system, which knows none that were made for a private network; with <c>ssl=true</c> in the connection string.</summary>
    public RemoteCertificateValidationCallback? CertificateValidation { get; init; }

    /// <summary>
    /// Whether a server may be used that deletes keys when its memory is full (<c>maxmemory-policy</c> other than <c>noeviction</c>). It then deletes acknowledged entries and the store's books without a word:
    /// no unless given. The store looks at the setting when it is opened, and when its connection was made anew: before the next call, and before the answer of a call that went over the new connection.
    /// </summary>
    public bool AllowEviction { get; init; }

    // How long no answer comes before a call that does no harm when it is repeated is sent again.
    internal TimeSpan Silence { get; init; } = TimeSpan.FromSeconds(4);

    // How long the client may take to connect, or to look which server is the master.
    internal TimeSpan Longest { get; init; } = TimeSpan.FromSeconds(30);

    internal void Check()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Durability.Level, Durability.Process.Level, nameof(Durability));
        ArgumentNullException.ThrowIfNull(Time);
        ArgumentException.ThrowIfNullOrEmpty(Prefix);
        if (Prefix.Length > 100 || !Prefix.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or ':' or '_'))
            throw new ArgumentException($"The prefix of a store's keys has 1 to 100 letters, digits, dots, hyphens, colons and underscores; this one is {Prefix}.", nameof(Prefix));
        ArgumentOutOfRangeException.ThrowIfLessThan(PollInterval, TimeSpan.FromMilliseconds(100));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(PollInterval, TimeSpan.FromMinutes(1));
        ArgumentOutOfRangeException.ThrowIfLessThan(Timeout, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Timeout, TimeSpan.FromHours(1));
    }
}
