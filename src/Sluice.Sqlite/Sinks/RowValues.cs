using System.Globalization;

namespace Sluice.Sqlite;

/// <summary>The values of a row: validated, and kept as bytes while the row may have to be undone.</summary>
internal static class RowValues
{
    private const string NotANumber = "is NaN, which SQLite would store as null. Give null if that is meant";

    private enum Tag : byte
    {
        Null,
        Integer,
        Real,
        Text,
        Bytes,
    }

    /// <exception cref="ArgumentException">SQLite cannot store one of the values.</exception>
    public static void Check(ReadOnlySpan<object?> values)
    {
        for (int i = 0; i < values.Length; i++)
            if (Refusal(values[i]) is { } why)
                throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"Value {i + 1} of a row {why}."));
    }

    /// <returns>Why SQLite cannot store the value as it is; null if it can.</returns>
    public static string? Refusal(object? value) => value switch
    {
        string text => Refusal(text),
        double number when double.IsNaN(number) => NotANumber,
        float number when float.IsNaN(number) => NotANumber,
        null or long or int or short or byte or sbyte or ushort or uint or bool or double or float or byte[] or ReadOnlyMemory<byte>
            => null,
        _ => $"is a {TypeNames.Of(value.GetType())}: SQLite keeps integers, floating-point numbers, texts and bytes. Convert it first",
    };

    // SQLite would end the text at a zero character, and has no form for half a surrogate pair.
    private static string? Refusal(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] != '\0' && !char.IsSurrogate(text[i])) continue;
            if (i + 1 == text.Length || !char.IsSurrogatePair(text[i], text[i + 1]))
                return string.Create(CultureInfo.InvariantCulture,
                    $"is a text with the character U+{(int)text[i]:X4} at {i}, which SQLite cannot store");
            i++;
        }
        return null;
    }

    public static byte[] Write(ReadOnlySpan<object?> values)
    {
        using var bytes = new MemoryStream();
        using var writer = new BinaryWriter(bytes);
        writer.Write7BitEncodedInt(values.Length);
        foreach (object? value in values)
        {
            switch (value)
            {
                case null:
                    writer.Write((byte)Tag.Null);
                    break;
                case double or float:
                    writer.Write((byte)Tag.Real);
                    writer.Write(Convert.ToDouble(value, null));
                    break;
                case string text:
                    writer.Write((byte)Tag.Text);
                    writer.Write(text);
                    break;
                case byte[] or ReadOnlyMemory<byte>:
                    ReadOnlyMemory<byte> memory = value as byte[] ?? (ReadOnlyMemory<byte>)value;
                    writer.Write((byte)Tag.Bytes);
                    writer.Write7BitEncodedInt(memory.Length);
                    writer.Write(memory.Span);
                    break;
                default:
                    writer.Write((byte)Tag.Integer);
                    writer.Write(Convert.ToInt64(value, null));
                    break;
            }
        }
        return bytes.ToArray();
    }

    public static object?[] Read(byte[] bytes)
    {
        using var reader = new BinaryReader(new MemoryStream(bytes));
        var values = new object?[reader.Read7BitEncodedInt()];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = (Tag)reader.ReadByte() switch
            {
                Tag.Null => null,
                Tag.Integer => reader.ReadInt64(),
                Tag.Real => reader.ReadDouble(),
                Tag.Text => reader.ReadString(),
                Tag.Bytes => reader.ReadBytes(reader.Read7BitEncodedInt()),
                var tag => throw new InvalidDataException($"A note of rows to be taken back is damaged: it has the tag {(byte)tag}."),
            };
        }
        return values;
    }
}
