namespace Sluice.Producers;

/// <summary>The read offsets of all followed files, and the position that is stored with each line.</summary>
/// <remarks>
/// Used by one pump. A position has the number of rows in the journal, and the rows that have changed since the last write to it, with
/// the row of the current file first. With few files the journal is never written. If positions are not stored, it has the offsets only.
/// </remarks>
internal sealed class LogPositions : IDisposable
{
    private const byte Version = 1;
    private const int HeadSize = 18;
    private const int MaxStored = 64;               // rows, with the current file's: a position has at most 4 KB
    private const int Slack = 4096;                  // superseded rows that a journal may have in any case

    private readonly Dictionary<UInt128, LogRow> all = [];
    private readonly Dictionary<UInt128, LogRow> recent = [];
    private readonly LogJournal? journal;
    private readonly bool isStored;
    private int gone;                                // rows that are no longer needed

    private LogPositions(ReadOnlySpan<byte> stored, JournalClaim? claim, bool isStored, Action<string>? warn = null)
    {
        this.isStored = isStored;
        (long number, long count) = (0, 0);
        if (!stored.IsEmpty)
        {
            if (stored[0] != Version) throw new InvalidDataException(
                $"The position was stored in layout {stored[0]}, and this program knows layout {Version}. Run the newer program.");
            (number, count) = (BinaryPrimitives.ReadInt64LittleEndian(stored[1..]), BinaryPrimitives.ReadInt64LittleEndian(stored[9..]));
        }
        if (claim is not null && number == 0 && !stored.IsEmpty) throw new InvalidDataException(
            "The lines of one file were accepted before, and now the path is a pattern: all lines of that file would be accepted again. "
                + "Give the producer the path that it had, and let a second producer, with another name, read the other files.");
        if (claim is not null) journal = LogJournal.Open(claim, number, count, Put, warn);
        else if (number != 0) throw new InvalidDataException(
            "The lines of several files were accepted before, and now the path names one file. Give the producer another name, or the "
                + "path that it had.");
        if (stored.IsEmpty) return;
        for (int i = 0; i < stored[17]; i++)
        {
            var row = LogRow.Read(stored[(HeadSize + (i * LogRow.Size))..]);
            if (i == 0) Current = row;
            Set(row);
        }
    }

    /// <summary>The row of the file of the next line; null at the beginning.</summary>
    public LogRow? Current { get; private set; }

    /// <param name="stored">A position (<see cref="Bytes"/>); empty for the beginning.</param>
    /// <param name="journal">The journal; null if one file is followed.</param>
    /// <param name="warn">Called with a warning.</param>
    public static LogPositions Open(ReadOnlyMemory<byte> stored, JournalClaim? journal, Action<string>? warn = null)
        => new(stored.Span, journal, isStored: true, warn);

    /// <summary>Positions that nobody stores: every run begins at the beginning.</summary>
    public static LogPositions Unstored() => new([], claim: null, isStored: false);

    public LogRow? Find(UInt128 file) => all.TryGetValue(file, out LogRow row) ? row : null;

    public void Set(in LogRow row)
    {
        all[row.File] = row;
        if (isStored) recent[row.File] = row;
    }

    /// <summary>Moves rows to the journal if a position would have no room for <paramref name="files"/> more.</summary>
    public void MakeRoom(int files)
    {
        if (journal is null || recent.Count + files <= MaxStored) return;
        journal.Add(recent.Values);
        recent.Clear();
    }

    /// <summary>The bytes of a position without the row of the current file; the same for all lines of a visit. Empty if positions are not
    /// stored.</summary>
    public byte[] Around(UInt128 current)
    {
        if (!isStored) return [];
        int others = recent.Count - (recent.ContainsKey(current) ? 1 : 0);
        byte[] bytes = new byte[HeadSize + ((others + 1) * LogRow.Size)];
        bytes[0] = Version;
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(1), journal?.Number ?? 0);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(9), journal?.Count ?? 0);
        bytes[17] = (byte)(others + 1);
        int at = HeadSize + LogRow.Size;
        foreach (LogRow row in recent.Values)
        {
            if (row.File == current) continue;
            row.Write(bytes.AsSpan(at));
            at += LogRow.Size;
        }
        return bytes;
    }

    /// <summary>The bytes of a position.</summary>
    /// <param name="around">The result of <see cref="Around"/>.</param>
    /// <param name="row">The row of the current file.</param>
    public static byte[] Bytes(byte[] around, in LogRow row)
    {
        byte[] bytes = [.. around];
        row.Write(bytes.AsSpan(HeadSize));
        return bytes;
    }

    /// <summary>Whether most rows of the journal are superseded by later ones, or are no longer needed.</summary>
    public bool IsWasteful => journal is not null && journal.Count > (2L * (all.Count - gone)) + Slack;

    /// <summary>Counts the rows that are no longer needed.</summary>
    /// <param name="isGone">Says which ones.</param>
    public void CountGone(Func<LogRow, bool> isGone) => gone = journal?.Count > Slack ? all.Values.Count(isGone) : 0;

    /// <summary>Removes the rows that are no longer needed, if positions are not stored. <see cref="Renew"/> removes stored ones.</summary>
    /// <param name="isGone">Says which ones.</param>
    public void Forget(Func<LogRow, bool> isGone)
    {
        if (isStored) return;
        foreach (LogRow row in all.Values)
            if (row.File != Current?.File && isGone(row)) all.Remove(row.File);
    }

    /// <summary>Rewrites the journal. Call <see cref="Renewed"/> when the returned position is stored.</summary>
    /// <param name="isGone">Says which rows are no longer needed.</param>
    public byte[] Renew(Func<LogRow, bool> isGone)
    {
        LogRow current = all[Current!.Value.File];
        foreach (LogRow row in all.Values.Where(row => row.File != current.File && isGone(row)).ToArray()) all.Remove(row.File);
        recent.Clear();
        gone = 0;
        journal!.Renew(all.Values);
        return Bytes(Around(current.File), current);
    }

    public void Renewed() => journal!.Replace();

    /// <summary>Sets the file of the next line.</summary>
    public void Enter(in LogRow row) => Current = row;

    public void Dispose() => journal?.Dispose();

    private void Put(LogRow row) => all[row.File] = row;
}
