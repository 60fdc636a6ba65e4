using StackExchange.Redis;

namespace Sluice.Redis;

/// <summary>What a script has answered, or a part of it.</summary>
internal readonly struct Reply(RedisResult result)
{
    public bool IsNull => result is null || result.IsNull;
    public long Long => (long)result;
    public int Int => (int)result;
    public bool IsOne => Long == 1;
    public string Text => (string)result ?? "";
    public string? TextOrNull => IsNull ? null : (string)result;
    public string Name => Names.Decode(Text);
    public byte[] Bytes => (byte[])result ?? [];
    public IEnumerable<Reply> Items => IsNull ? [] : ((RedisResult[])result).Select(item => new Reply(item));
    public int Count => IsNull ? 0 : ((RedisResult[])result).Length;

    public Reply this[int index] => Count > index ? new(((RedisResult[])result)[index]) : default;

    /// <summary>A span that was told in microseconds; null for less than none.</summary>
    public TimeSpan? Span => Long < 0 ? null : TimeSpan.FromTicks(Long * TimeSpan.TicksPerMicrosecond);

    /// <summary>A time that was told in microseconds.</summary>
    public DateTimeOffset Time => StoreTime.From(Long);
}
