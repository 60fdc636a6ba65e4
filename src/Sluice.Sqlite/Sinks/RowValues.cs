using System.Globalization;

namespace Sluice.Sqlite;

/// <summary>The values of a row: validated, and kept as bytes while the row may have to be undone.</summary>
internal static class RowValues
{
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
        {
            if (values[i] is null or long or int or short or byte or sbyte or ushort or uint or bool or double or float or string or byte[]
                or ReadOnlyMemory<byte>) continue;
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture,
                $"Value {i + 1} of a row is a {TypeNames.Of(values[i]!.GetType())}: SQLite keeps integers, floating-point numbers, texts "
                    + $"and bytes. Convert it first."));
        }
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
