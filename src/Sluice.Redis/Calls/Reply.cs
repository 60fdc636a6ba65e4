namespace Sluice.Redis;

/// <summary>The subject of a call, for errors.</summary>
internal sealed record CallSubject(string Function, ServerAddress Address, string? Stream, int? Partition);

/// <summary>
/// A script's reply, or a part of it. A value of another type than expected throws an error with the function, the stream and the
/// partition.
/// </summary>
internal readonly struct Reply(RedisResult? result, CallSubject? about)
{
    public bool IsNull => result is null || result.IsNull;
    public long Long => Read(static value => (long)value, "a number");
    public int Int => Long is >= int.MinValue and <= int.MaxValue and var number ? (int)number : throw Unreadable("a number of 32 bits");
    public bool IsOne => Long == 1;
    public string Text => IsNull ? "" : Read(static value => (string)value!, "a text");
    public string? TextOrNull => IsNull ? null : Text;
    public string Name => Names.Decode(Text);
    public byte[] Bytes => IsNull ? [] : Read(static value => (byte[])value!, "bytes");
    public int Count => All.Length;

    public IEnumerable<Reply> Items
    {
        get
        {
            CallSubject? same = about;
            return All.Select(item => new Reply(item, same));
        }
    }

    private RedisResult[] All => IsNull ? [] : Read(static value => (RedisResult[])value!, "a list");

    public Reply this[int index] => All is var all && index < all.Length ? new(all[index], about) : new(null, about);

    /// <summary>A time span from microseconds; null if negative.</summary>
    public TimeSpan? Span
    {
        get
        {
            long told = Long;
            return told < 0 ? null : told <= TimeSpan.MaxValue.Ticks / TimeSpan.TicksPerMicrosecond
                ? TimeSpan.FromTicks(told * TimeSpan.TicksPerMicrosecond) : throw Unreadable("a span of time");
        }
    }

    /// <summary>A time from microseconds.</summary>
    public DateTimeOffset Time => StoreTime.IsTime(Long) ? StoreTime.From(Long) : throw Unreadable("a time");

    /// <summary>Returns the error for a value of another type than expected.</summary>
    public StreamStoreException Unreadable(string expected)
    {
        string place = about is null ? "The Redis server" : $"The function {about.Function} on {about.Address}";
        string subject = about?.Stream is not { } stream ? "" : $" about {stream}{(about.Partition is { } number ? $"/{number}" : "")}";
        return new(
            $"{place} has answered{subject} what cannot be read: {expected} was expected. Somebody has changed keys of Sluice's, or it is "
                + $"a defect. Restore a backup; CheckAsync lists what is damaged.")
        { Stream = about?.Stream, Partition = about?.Partition, IsPermanent = true };
    }

    private T Read<T>(Func<RedisResult, T> read, string expected)
    {
        try
        {
            if (!IsNull) return read(result!);
        }
        catch (Exception wrong) when (wrong is InvalidCastException or FormatException or OverflowException or ArgumentException)
        {
            // Reported below.
        }
        throw Unreadable(expected);
    }
}
