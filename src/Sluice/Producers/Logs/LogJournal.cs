using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace Sluice.Producers;

/// <summary>
/// The file with the rows of more followed files than fit into a stored position. The position names the journal and the number of its
/// rows; the rows are on the disk before a position names them.
/// </summary>
/// <remarks>
/// Used by one producer. The file has a head (magic, the journal's number), then rows, each with its checksum. At the start, rows behind
/// those of the stored position are dropped: no line was accepted with them. If a stored position names no rows, the rows may be of another
/// store, and are kept in another file. A journal that has grown is rewritten beside the old one, which stays until a position that names
/// the new one is stored.
/// </remarks>
internal sealed class LogJournal : IDisposable
{
    private const int HeadSize = 16;
    private const int RowSize = LogRow.Size + sizeof(uint);
    // for one producer, which may rename it
    public static readonly FileShare Share = OperatingSystem.IsWindows() ? FileShare.Delete : FileShare.None;

    private static ReadOnlySpan<byte> Magic => "SluLog01"u8;

    private readonly string path;
    private SafeFileHandle file;
    private SafeFileHandle? old;                     // before Replace: it keeps other runs from taking the journal

    private LogJournal(string path, SafeFileHandle file, long number, long count)
        => (this.path, this.file, Number, Count) = (path, file, number, count);

    /// <summary>The random number that identifies the journal.</summary>
    public long Number { get; private set; }

    public long Count { get; private set; }

    private string NextPath => path + ".next";

    /// <summary>Reads a journal that a run has taken.</summary>
    /// <param name="claim">The journal.</param>
    /// <param name="number">The number in the stored position; zero if no position is stored.</param>
    /// <param name="count">The number of rows in the stored position.</param>
    /// <param name="rows">Called with each of these rows, in order.</param>
    /// <param name="warn">Called with a warning if the file has rows that the stored position does not name.</param>
    /// <exception cref="InvalidDataException">It is another journal, or damaged.</exception>
    /// <exception cref="IOException">Another run has this journal, or it cannot be written.</exception>
    public static LogJournal Open(JournalClaim claim, long number, long count, Action<LogRow> rows,
        Action<string>? warn = null)
    {
        (string path, SafeFileHandle file) = (claim.Path, claim.Give());
        try
        {
            // Rows behind a position without rows are this store's own if the number is: no line was accepted with them.
            if (count == 0 && (number == 0 || NumberOf(file) != number))
                return Begin(path, ref file, number == 0 ? NewNumber() : number, warn);
            if (NumberOf(file) != number && NumberOf(path + ".next") == number)
            {
                file.Dispose();
                File.Move(path + ".next", path, overwrite: true);                // the process died before Replace
                file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, Share);
            }
            if (NumberOf(file) != number) throw Wrong(path, "it is another journal, or none", KeptOf(path, number));
            byte[] bytes = new byte[RowSize];
            for (long i = 0; i < count; i++)
            {
                if (RandomAccess.Read(file, bytes, HeadSize + (i * RowSize)) < RowSize)
                    throw Wrong(path, $"it has {i:N0} of {count:N0} rows");
                if (BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(LogRow.Size)) != Checksum.Of(bytes.AsSpan(0, LogRow.Size)))
                    throw Wrong(path, $"row {i + 1:N0} is damaged");
                rows(LogRow.Read(bytes));
            }
            RandomAccess.SetLength(file, HeadSize + (count * RowSize));
            File.Delete(path + ".next");
            return new(path, file, number, count);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Appends rows, and flushes them to the disk.</summary>
    public void Add(ICollection<LogRow> rows)
    {
        Write(file, Count, rows);
        Count += rows.Count;
    }

    /// <summary>
    /// Writes a new journal with these rows beside this one, and switches to it; <see cref="Replace"/> makes it the only one.
    /// </summary>
    public void Renew(ICollection<LogRow> rows)
    {
        SafeFileHandle next = File.OpenHandle(NextPath, FileMode.Create, FileAccess.ReadWrite, Share);
        long number = NewNumber();
        try
        {
            WriteHead(next, number);
            Write(next, 0, rows);
        }
        catch
        {
            next.Dispose();
            throw;
        }
        if (old is null) old = file;
        else file.Dispose();
        (file, Number, Count) = (next, number, rows.Count);
    }

    /// <summary>Replaces the old journal, once a position that names the new one is stored.</summary>
    public void Replace()
    {
        if (OperatingSystem.IsWindows()) old?.Dispose();                 // there an open file cannot be replaced
        File.Move(NextPath, path, overwrite: true);
        old?.Dispose();
        old = null;
    }

    public void Dispose()
    {
        file.Dispose();
        old?.Dispose();
    }

    private static LogJournal Begin(string path, ref SafeFileHandle file, long number, Action<string>? warn)
    {
        if (RandomAccess.GetLength(file) > HeadSize)
        {
            Keep(path, path, warn);
            file.Dispose();
            file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, Share);
        }
        if (File.Exists(path + ".next")) Keep(path + ".next", path, warn);       // the other store's process died before Replace
        WriteHead(file, number);
        RandomAccess.FlushToDisk(file);
        return new(path, file, number, 0);
    }

    private static void Keep(string journal, string path, Action<string>? warn)
    {
        string kept = Kept(path).First(static one => !File.Exists(one));
        File.Move(journal, kept);
        warn?.Invoke($"The journal {journal} has rows that this store does not know. It is kept as {kept}: if they are of another store, "
            + $"it is the journal of that store.");
    }

    private static long NewNumber() => BinaryPrimitives.ReadInt64LittleEndian(RandomNumberGenerator.GetBytes(8)) | 1;

    private static void WriteHead(SafeFileHandle to, long number)
    {
        byte[] head = new byte[HeadSize];
        Magic.CopyTo(head);
        BinaryPrimitives.WriteInt64LittleEndian(head.AsSpan(8), number);
        RandomAccess.Write(to, head, 0);
    }

    private static long NumberOf(SafeFileHandle file)
    {
        byte[] head = new byte[HeadSize];
        return RandomAccess.Read(file, head, 0) == HeadSize && head.AsSpan(0, 8).SequenceEqual(Magic)
            ? BinaryPrimitives.ReadInt64LittleEndian(head.AsSpan(8)) : 0;
    }

    private static long NumberOf(string path)
    {
        if (!File.Exists(path)) return 0;
        using SafeFileHandle file = File.OpenHandle(path);
        return NumberOf(file);
    }

    private static void Write(SafeFileHandle to, long behind, ICollection<LogRow> rows)
    {
        byte[] bytes = new byte[rows.Count * RowSize];
        int at = 0;
        foreach (LogRow row in rows)
        {
            row.Write(bytes.AsSpan(at));
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at + LogRow.Size), Checksum.Of(bytes.AsSpan(at, LogRow.Size)));
            at += RowSize;
        }
        RandomAccess.Write(to, bytes, HeadSize + (behind * RowSize));
        RandomAccess.FlushToDisk(to);
    }

    /// <summary>The names under which journals of other stores are kept.</summary>
    private static IEnumerable<string> Kept(string path)
    {
        yield return path + ".before";
        for (int i = 2; ; i++) yield return $"{path}.before-{i}";
    }

    /// <summary>The latest: earlier ones with the number have fewer rows.</summary>
    private static string? KeptOf(string path, long number)
        => Kept(path).TakeWhile(File.Exists).LastOrDefault(one => NumberOf(one) == number);

    private static InvalidDataException Wrong(string path, string why, string? kept = null) => new(
        $"{path} is not the journal by which lines of many files were accepted before: {why}. Nothing was read. "
            + (kept is null ? "Put the journal back from a copy" : $"{kept} is the journal: a run with another store has put it there. "
                + $"Move it back")
            + "; or give the producer another name, to begin anew with all files.");
}
