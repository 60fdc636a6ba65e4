namespace Sluice.Pipelines;

/// <summary>A timer that is set.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Moment">When it fires.</param>
internal readonly record struct KeyedTimer(string Name, TimerMoment Moment);

/// <summary>The timers of one key, and the moment under which the key stands among the rows by time: that of its first timer, or an earlier
/// one.</summary>
/// <remarks>So a timer that is moved on with every item writes its row by time only when the moment of that row has come.</remarks>
internal sealed class TimersOfKey
{
    public List<KeyedTimer> Timers { get; } = [];

    /// <summary>Null if the key has no row by time.</summary>
    public TimerMoment? Row { get; set; }

    /// <summary>The one that fires first; null if none is set.</summary>
    public KeyedTimer? First
    {
        get
        {
            KeyedTimer? first = null;
            foreach (KeyedTimer timer in Timers)
                if (first is not { } known || timer.Moment.CompareTo(known.Moment) < 0) first = timer;
            return first;
        }
    }

    public int IndexOf(string name)
    {
        for (int i = 0; i < Timers.Count; i++)
            if (string.Equals(Timers[i].Name, name, StringComparison.Ordinal)) return i;
        return -1;
    }
}

/// <summary>How the timers of a key are stored: the moment of its row by time, then for each timer its moment, the length of its name and
/// the name. Numbers are little-endian, 8 bytes; lengths 4.</summary>
internal sealed record TimersForm() : StatefulForm<TimersOfKey>(0, "timers", static _ => new(),
    static _ => throw new NotSupportedException("These timers were stored by newer code."))
{
    public override int Write(StateWriter changes, string key, TimersOfKey value)
    {
        var bytes = new byte[16 + value.Timers.Sum(static timer => 20 + RowText.ToBytes(timer.Name).Length)];
        Span<byte> rest = bytes;
        Put(ref rest, value.Row!.Value);
        foreach (KeyedTimer timer in value.Timers)
        {
            Put(ref rest, timer.Moment);
            byte[] name = RowText.ToBytes(timer.Name);
            BinaryPrimitives.WriteInt32LittleEndian(rest, name.Length);
            name.CopyTo(rest[4..]);
            rest = rest[(4 + name.Length)..];
        }
        return changes.PutBytes(key, bytes);
    }

    public override TimersOfKey Read(string key, StateReader stored)
    {
        (ReadOnlyMemory<byte> bytes, int version) = stored.Stored(key);
        if (version != Version) throw new NotSupportedException(
            $"The timers of the key '{key}' were stored in a newer form. Start the newer code.");
        ReadOnlySpan<byte> rest = bytes.Span;
        var timers = new TimersOfKey { Row = Take(ref rest) };
        while (rest.Length > 0)
        {
            TimerMoment moment = Take(ref rest);
            int length = BinaryPrimitives.ReadInt32LittleEndian(rest);
            timers.Timers.Add(new(RowText.OfBytes(rest.Slice(4, length)), moment));
            rest = rest[(4 + length)..];
        }
        return timers;
    }

    private static void Put(ref Span<byte> rest, TimerMoment moment)
    {
        BinaryPrimitives.WriteInt64LittleEndian(rest, moment.At);
        BinaryPrimitives.WriteInt64LittleEndian(rest[8..], moment.Number);
        rest = rest[16..];
    }

    private static TimerMoment Take(ref ReadOnlySpan<byte> rest)
    {
        var moment = new TimerMoment(BinaryPrimitives.ReadInt64LittleEndian(rest), BinaryPrimitives.ReadInt64LittleEndian(rest[8..]));
        rest = rest[16..];
        return moment;
    }
}
