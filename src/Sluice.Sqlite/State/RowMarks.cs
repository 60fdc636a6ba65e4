namespace Sluice.Sqlite;

/// <summary>The columns of a row without its entry. Immutable value; needs no lock.</summary>
internal readonly record struct RowMarks(
    long Sequence, WaitingStatus State, WaitingStatus Before, bool IsAlone, int Attempts, long? Due, long Bytes, string Node, string Error)
{
    /// <summary>Whether the row matched its stored checksum when it was read.</summary>
    public bool IsSound { get; private init; }

    public long Sum => new RowSum().Add(Sequence).Add((long)State).Add((long)Before).Add(IsAlone ? 1 : 0).Add(Attempts).Add(Due).Add(Bytes)
        .Add(Node).Add(Error).Value;

    /// <summary>Reads the marks of a row selected by <see cref="StoredRows.Columns"/>.</summary>
    public static RowMarks Read(Statement row)
    {
        var read = new RowMarks(row.Long(0), (WaitingStatus)row.Int(1), (WaitingStatus)row.Int(2), row.Int(3) != 0, row.Int(4),
            row.LongOrNull(5), row.Long(6), row.Text(7), row.Text(8));
        return read with { IsSound = row.Long(9) == read.Sum };
    }
}
