namespace Sluice.PostgreSql;

/// <summary>The values of a row, as bytes: kept while the row may have to be undone. Every type that a row may have has a number.</summary>
internal static class NoteValues
{
    private const byte OfMany = 128;                 // added to the number of the elements' type

    // The numbers are stored: zero is null, then the places in this list. New types come last.
    private static readonly Kind[] Kinds =
    [
        Of<bool>((to, value) => to.Write(value), from => from.ReadBoolean()),
        Of<short>((to, value) => to.Write(value), from => from.ReadInt16()),
        Of<int>((to, value) => to.Write(value), from => from.ReadInt32()),
        Of<long>((to, value) => to.Write(value), from => from.ReadInt64()),
        Of<float>((to, value) => to.Write(value), from => from.ReadSingle()),
        Of<double>((to, value) => to.Write(value), from => from.ReadDouble()),
        Of<decimal>((to, value) => to.Write(value), from => from.ReadDecimal()),
        Of<string>((to, value) => to.Write(value), from => from.ReadString()),
        Of<Guid>((to, value) => to.Write(value.ToByteArray()), from => new Guid(from.ReadBytes(16))),
        Of<DateOnly>((to, value) => to.Write(value.DayNumber), from => DateOnly.FromDayNumber(from.ReadInt32())),
        Of<TimeOnly>((to, value) => to.Write(value.Ticks), from => new TimeOnly(from.ReadInt64())),
        Of<TimeSpan>((to, value) => to.Write(value.Ticks), from => new TimeSpan(from.ReadInt64())),
        Of<DateTimeOffset>((to, value) => to.Write(value.UtcTicks), from => new DateTimeOffset(from.ReadInt64(), TimeSpan.Zero)),
        Of<DateTime>((to, value) => to.Write(value.ToBinary()), from => DateTime.FromBinary(from.ReadInt64())),
        Of<byte[]>((to, value) =>
        {
            to.Write7BitEncodedInt(value.Length);
            to.Write(value);
        }, from => from.ReadBytes(from.Read7BitEncodedInt())),
    ];

    public static byte[] Write(ReadOnlySpan<object?> values)
    {
        using var bytes = new MemoryStream();
        using var writer = new BinaryWriter(bytes);
        writer.Write7BitEncodedInt(values.Length);
        foreach (object? value in values)
        {
            Type? elements = value is Array and not byte[]? value.GetType().GetElementType() : null;
            Kind? kind = value is null ? null : Array.Find(Kinds, kind => kind.Type == (elements ?? value.GetType()))
                ?? throw new InvalidOperationException($"A {TypeNames.Of(value.GetType())} passed the checks of a row: a defect.");
            byte number = (byte)(Array.IndexOf(Kinds, kind) + 1);
            writer.Write(elements is null ? number : (byte)(number + OfMany));
            if (elements is null) kind?.Write(writer, value!);
            else WriteAll(writer, kind!, (Array)value!);
        }
        writer.Flush();
        return bytes.ToArray();
    }

    /// <exception cref="InvalidDataException">The bytes are damaged.</exception>
    public static object?[] Read(byte[] bytes)
    {
        try
        {
            using var reader = new BinaryReader(new MemoryStream(bytes));
            var values = new object?[reader.Read7BitEncodedInt()];
            for (int i = 0; i < values.Length; i++)
            {
                byte number = reader.ReadByte();
                if (number == 0) continue;
                Kind kind = Kinds[(number & ~OfMany) - 1];
                values[i] = number < OfMany ? kind.Read(reader) : ReadAll(reader, kind);
            }
            return values;
        }
        catch (Exception damage) when (damage is EndOfStreamException or IndexOutOfRangeException or OverflowException or FormatException
            or ArgumentException or OutOfMemoryException)
        {
            throw new InvalidDataException("A note of a row to be taken back (sluice_sink_row) is damaged, or was written by a newer "
                + $"version of the library: {damage.Message}", damage);
        }
    }

    private static void WriteAll(BinaryWriter writer, Kind kind, Array values)
    {
        writer.Write7BitEncodedInt(values.Length);
        foreach (object? value in values)
        {
            writer.Write(value is not null);
            if (value is not null) kind.Write(writer, value);
        }
    }

    private static Array ReadAll(BinaryReader reader, Kind kind)
    {
        Array values = kind.Make(reader.Read7BitEncodedInt());
        for (int i = 0; i < values.Length; i++)
            if (reader.ReadBoolean()) values.SetValue(kind.Read(reader), i);
        return values;
    }

    private static Kind Of<T>(Action<BinaryWriter, T> write, Func<BinaryReader, T> read) where T : notnull
        => new(typeof(T), (to, value) => write(to, (T)value), from => read(from), static length => new T[length]);

    private sealed record Kind(Type Type, Action<BinaryWriter, object> Write, Func<BinaryReader, object> Read, Func<int, Array> Make);
}
