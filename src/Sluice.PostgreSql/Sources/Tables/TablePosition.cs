using System.Text;

namespace Sluice.PostgreSql.Sources;

/// <summary>Behind which row of which table a source is. Values are in PostgreSQL's own text form.</summary>
/// <param name="Table">The id of the table.</param>
/// <param name="Timeline">The timeline of the server.</param>
/// <param name="Sequence">The last number that the column's sequence had given; see <see cref="TableLook"/>.</param>
/// <param name="Columns">The columns of the order, each with its type.</param>
/// <param name="Values">The values of the row.</param>
internal sealed record TablePosition(long Table, string Timeline, long Sequence, string[] Columns, string[] Values)
{
    private const byte Version = 1;
    private const int MaxBytes = 1_900;

    public byte[] ToBytes(TableShape shape, string name)
    {
        using var stream = new MemoryStream();
        using (var bytes = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true))
        {
            bytes.Write(Version);
            bytes.Write(Table);
            bytes.Write(Timeline);
            bytes.Write(Sequence);
            bytes.Write((byte)Columns.Length);
            foreach (string column in Columns) bytes.Write(column);
            foreach (string value in Values) bytes.Write(value);
        }
        return stream.Length <= MaxBytes ? stream.ToArray() : throw new InvalidDataException(
            $"The producer '{name}' cannot store its position behind the row with {shape.Describe(Values)}: the values are too long "
                + $"({stream.Length:N0} bytes with their names, {MaxBytes:N0} at most). Follow shorter columns.");
    }

    public static TablePosition Read(ReadOnlyMemory<byte> position, string name)
    {
        using var bytes = new BinaryReader(new MemoryStream(position.ToArray()), Encoding.UTF8);
        byte version = bytes.ReadByte();
        if (version != Version) throw new InvalidDataException(
            $"The position of the producer '{name}' is of version {version}, and this code knows {Version}: run the code that has stored "
                + "it, or a later one.");
        (long table, string timeline, long sequence) = (bytes.ReadInt64(), bytes.ReadString(), bytes.ReadInt64());
        string[] columns = new string[bytes.ReadByte()], values = new string[columns.Length];
        foreach (string[] texts in (string[][])[columns, values])
            for (int i = 0; i < texts.Length; i++) texts[i] = bytes.ReadString();
        return new(table, timeline, sequence, columns, values);
    }

    /// <exception cref="InvalidDataException">The position is of other columns, or of types with another order.</exception>
    public void Check(TableShape shape, string name)
    {
        string[] now = Names(shape);
        bool isSame = now.Length == Columns.Length && shape.Columns.Zip(Columns)
            .All(static both => ColumnOrder.GoesOn(both.First, both.Second));
        if (!isSame) throw new InvalidDataException(
            $"The position of the producer '{name}' is of the columns {string.Join(", ", Columns)}, and the table {shape.Name} is "
                + $"followed by {string.Join(", ", now)}: it cannot go on by others. Take the columns that it had; or give the producer another name, "
                + "to begin at the beginning.");
    }

    public static string[] Names(TableShape shape) => [.. shape.Columns.Select(static column => $"{column.Name} {column.Type}")];
}
