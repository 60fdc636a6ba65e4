using System.Data.Common;

namespace Sluice.Producers;

/// <summary>The ascending key of a query's rows: one column or several. Values are in the order of the columns.</summary>
internal sealed class RowKeys
{
    private const byte Version = 1;
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    // A position has room for two keys of this size.
    private const int MaxKey = 1_900;

    private readonly KeyColumn[] columns;

    /// <exception cref="ArgumentException">There is no column, a column is named twice, or a column is not allowed.</exception>
    public RowKeys(IReadOnlyList<QueryKey> key, IComparer<string>? texts)
    {
        columns = [.. key.Select(column => new KeyColumn(column, texts ?? CodePointOrder.Instance))];
        if (columns.Length == 0) throw new ArgumentException(
            "The key of a query has one column at least: one by which its rows ascend, and that is another in each row.", nameof(key));
        string? twice = columns.GroupBy(static column => column.Name, StringComparer.OrdinalIgnoreCase)
            .FirstOrDefault(static group => group.Count() > 1)?.Key;
        if (twice is not null) throw new ArgumentException($"The key column '{twice}' is named twice.", nameof(key));
        Start = [.. columns.Select(static column => column.Start)];
    }

    public object[] Start { get; }

    public IReadOnlyList<KeyColumn> Columns => columns;

    public string Describe(object[] values) => string.Join(", ", columns.Zip(values, static (column, value) => column.Describe(value)));

    public int Compare(object[] one, object[] other)
    {
        for (int i = 0; i < columns.Length; i++)
        {
            int order = columns[i].Compare(one[i], other[i]);
            if (order != 0) return order;
        }
        return 0;
    }

    /// <summary>The indices of the key columns in a result.</summary>
    public int[] PlacesIn(DbDataReader result)
    {
        string[] names = [.. Enumerable.Range(0, result.FieldCount).Select(result.GetName)];
        return [.. columns.Select(column => Array.FindIndex(names,
            name => name.Equals(column.Name, StringComparison.OrdinalIgnoreCase)) is >= 0 and var at
            ? at
            : throw new InvalidDataException(
            $"its result has no column '{column.Name}', which is of its key, but {string.Join(", ", names)}. Select the key as well."))];
    }

    /// <param name="row">The row.</param>
    /// <param name="places">The indices of the key columns.</param>
    public object[] Read(DbDataReader row, int[] places)
    {
        var values = new object[columns.Length];
        for (int i = 0; i < values.Length; i++)
        {
            object value = row.GetValue(places[i]);
            if (value is DBNull) throw new InvalidDataException(
                $"a row has no value in the key column '{columns[i].Name}'. Leave out such rows (WHERE {columns[i].Name} IS NOT NULL), or "
                    + $"take another key.");
            values[i] = columns[i].Type.Read(value)
                ?? throw new InvalidDataException(
                $"the key column '{columns[i].Name}' has a value of type {TypeNames.Of(value.GetType())}, and its start is of "
                    + $"type {TypeNames.Of(columns[i].Start.GetType())}. Give a start of the column's type.");
        }
        return values;
    }

    /// <param name="row">The row before the position.</param>
    /// <param name="partly">The row behind it, if a part of that row was accepted.</param>
    /// <exception cref="InvalidDataException">A text of the key is no valid UTF-16: as UTF-8 it would be another text.</exception>
    public byte[] ToPosition(object[] row, object[]? partly = null)
    {
        using var stream = new MemoryStream();
        using var bytes = new BinaryWriter(stream, Strict);
        bytes.Write(Version);
        bytes.Write((byte)columns.Length);
        foreach (KeyColumn column in columns)
        {
            bytes.Write(column.Type.Number);
            bytes.Write(column.Name);
        }
        WriteRow(row);
        bytes.Write(partly is not null);
        if (partly is not null) WriteRow(partly);
        bytes.Flush();
        return stream.ToArray();

        void WriteRow(object[] values)
        {
            for (int i = 0; i < columns.Length; i++)
            {
                try
                {
                    columns[i].Type.Write(bytes, values[i]);
                }
                catch (EncoderFallbackException e)
                {
                    throw new InvalidDataException(
                        $"the next row has {columns[i].Describe(values[i])}, with half a surrogate pair, which cannot be stored. Repair "
                            + "the text, leave out such rows, or take another key.", e);
                }
            }
        }
    }

    /// <summary>Whether a position behind a row can be stored.</summary>
    public static bool Fits(byte[] position) => position.Length <= MaxKey;

    /// <param name="position">A result of <see cref="ToPosition"/>; empty for the beginning.</param>
    /// <param name="name">The producer's name.</param>
    /// <returns>The row to resume behind, and the row behind it if a part of that was accepted.</returns>
    /// <exception cref="InvalidDataException">Another version of the code has stored it, or it has another key.</exception>
    public (object[] After, object[]? Partly) FromPosition(ReadOnlyMemory<byte> position, string name)
    {
        if (position.IsEmpty) return (Start, null);
        using var bytes = new BinaryReader(new MemoryStream(position.ToArray()));
        byte version = bytes.ReadByte();
        if (version != Version) throw new InvalidDataException(
            $"The position of the producer '{name}' is of version {version}, and this code knows {Version}: run the code that has stored "
                + $"it, or a later one.");
        (KeyType? Type, string Name)[] stored = [.. Enumerable.Range(0, bytes.ReadByte())
            .Select(_ => (KeyType.Numbered(bytes.ReadByte()), bytes.ReadString()))];
        if (!stored.SequenceEqual(columns.Select(static column => ((KeyType?)column.Type, column.Name))))
        {
            throw new InvalidDataException(
                $"The position of the producer '{name}' is of the key ({string.Join(", ", stored.Select(static column => column.Name))}), "
                    + $"and the query's is "
                + $"({string.Join(", ", columns.Select(static column => column.Name))}), or their types differ: it cannot go on by "
                + $"another key. Take the one that it had; or give the producer another name, to begin anew.");
        }
        object[] after = ReadRow();
        return (after, bytes.ReadBoolean() ? ReadRow() : null);

        object[] ReadRow() => [.. columns.Select(column => column.Type.Read(bytes))];
    }
}
