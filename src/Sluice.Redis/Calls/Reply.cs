using StackExchange.Redis;

namespace Sluice.Redis;

/// <summary>What a call is about, for the text of an error.</summary>
internal sealed record CallSubject(string Function, ServerAddress Address, string? Stream, int? Partition);

/// <summary>What a script has answered, or a part of it. What has not the form that was expected is an error that names the function, the stream and the partition.</summary>
internal readonly struct Reply(RedisResult? result, CallSubject? about)
{
    public bool IsNull => result is null || result.IsNull;
    public long Long => Read(static value => (long)value, "a number");
    public int Int => Long is >= int.MinValue and <= int.MaxValue and var number ? (int)number : throw Unreadable("a number of 32 bits");
    public bool IsOne => Long == 1;
    public string Text => IsNull ? "" : Read(static value => (string)value, "a text");
    public string? TextOrNull => IsNull ? null : Text;
    public string Name => Names.Decode(Text);
    public byte[] Bytes => IsNull ? [] : Read(static value => (byte[])value, "bytes");
    public int Count => All.Length;

    public IEnumerable<Reply> Items
    {
        get
        {
            CallSubject? same = about;
            return All.Select(item => new Reply(item, same));
        }
    }

    private RedisResult[] All => IsNull ? [] : Read(static value => (RedisResult[])value, "a list");

    public Reply this[int index] => All is var all && index < all.Length ? new(all[index], about) : new(null, about);

    /// <summary>A span that was told in microseconds; null for less than none.</summary>
    public TimeSpan? Span
    {
        get
        {
            long told = Long;
            return told < 0 ? null : told <= TimeSpan.MaxValue.Ticks / TimeSpan.TicksPerMicrosecond ? TimeSpan.FromTicks(told * TimeSpan.TicksPerMicrosecond) : throw Unreadable("a span of time");
        }
    }

    /// <summary>A time that was told in microseconds.</summary>
    public DateTimeOffset Time => StoreTime.IsTime(Long) ? StoreTime.From(Long) : throw Unreadable("a time");

    /// <summary>The error for a part that has another form than it must have.</summary>
    public StreamStoreException Unreadable(string expected)
    {
        string place = about is null ? "The Redis server" : $"The function {about.Function} on {about.Address}";
        string subject = about?.Stream is not { } stream ? "" : $" about {stream}{(about.Partition is { } number ? $"/{number}" : "")}";
        return new($"{place} has answered{subject} what cannot be read: {expected} was expected. Somebody has changed keys of Sluice's, or it is a defect. Restore a backup; CheckAsync lists what is damaged.")
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
            // Said below.
        }
        throw Unreadable(expected);
    }
}
